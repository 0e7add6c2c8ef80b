"""An agent in Python: it narrows what it was given, hands it on, and cuts it off."""

from __future__ import annotations

import os

from bakehouse import Allowed, Bakehouse, Token, allow, at_most, when

service = Bakehouse(os.environ["BAKEHOUSE_URL"], os.environ["BAKEHOUSE_CREDENTIAL"])


def tell(what: str, token: Token, context: dict[str, object], min_sequence: str | None = None) -> None:
    """What a tool server does before it runs a tool, and what it tells the agent."""
    verdict = service.verify(token, context, min_sequence=min_sequence)
    print(f"{what}: {'allowed' if isinstance(verdict, Allowed) else f'{verdict.code}, {verdict.detail}'}")


issued = service.issue("default", on_behalf_of={"subject": "alice"}, ttl=3600)
agent = Token.parse(issued.token).delegate("planner", [allow.tool("search", "pay")])

# No key and no network: the child gets less than its parent has, and nobody registers it.
child = agent.delegate("shopper", [when("tool", "pay", at_most("args.amount", 40))], ttl=600, depth=0)
print([caveat.text for caveat in child.inspect().caveats][-3:-2])

tell("search", child, {"tool": "search", "args": {"query": "paper"}})
tell("pay", child, {"tool": "pay", "args": {"amount": 40}})
tell("pay more", child, {"tool": "pay", "args": {"amount": 250}})
tell("pay more, by its parent", agent, {"tool": "pay", "args": {"amount": 250}})

sequence = service.revoke(child, reason="done").sequence
tell("search again", child, {"tool": "search"}, sequence)
tell("search, by its parent", agent, {"tool": "search"}, sequence)
