"""The caveat language: ``args.amount <= 100`` and the like. Source: ``src/caveats`` of the repository.

The grammar is in ``src/caveats/README.md``. What does not parse here is ``caveat_unknown`` to the service, and forbids
every request.
"""
