"""The life of a token against a service: what its own tests can't show, since a fake agrees with anything."""

from __future__ import annotations

import os

from bakehouse import (
    Allowed,
    Bakehouse,
    ConnectionFailure,
    Discharged,
    Format,
    IssuedToken,
    Problem,
    ProblemError,
    Question,
    Refused,
    Token,
    discharge_token,
    for_this_call,
    matches,
)

url = os.environ["URL"]
alice = Bakehouse(url, lambda: os.environ["ALICE"])
platform = Bakehouse(url, os.environ["PLATFORM"])
stranger = Bakehouse(url)
stranger.ready()


def code_of(run: object) -> str:
    assert callable(run)
    try:
        run()
    except (ProblemError, ConnectionFailure) as error:
        return error.code
    return "none"


# Issued, listed, and the same once more under one key.
issued = alice.issue("default", ttl=600, caveats=["action in read, list"], label="story", idempotency_key="story")
again = alice.issue("default", ttl=600, caveats=["action in read, list"], label="story", idempotency_key="story")
assert issued == again and isinstance(issued, IssuedToken)
assert (issued.expires_at - issued.issued_at).total_seconds() == 600
assert issued.principal.subject == "alice" and issued.platform == "default"
record = alice.token(issued.token_id)
assert (record.status, record.label, record.caveats) == ("active", "story", issued.caveats)
assert [item.token_id for item in alice.tokens(limit=1).items] == [issued.token_id]

# Read as the service wrote it.
root = Token.parse(issued.token)
seen = root.inspect()
assert seen.identifier is not None and seen.identifier.token_id == issued.token_id
assert seen.expires_at == issued.expires_at and seen.revocation_id == issued.revocation_id
assert {caveat.placed for caveat in seen.caveats} == {"issued"}

# Narrowed twice, offline: the service finds the very links that are named here.
researcher = root.delegate("researcher", [matches("resource", "repo:acme/**")], depth=1)
scraper = researcher.delegate("scraper", ["args.amount <= 20"], ttl=60)
context = {"action": "read", "resource": "repo:acme/web", "args": {"amount": 20}}
allowed = platform.verify(scraper, context)
assert isinstance(allowed, Allowed) and allowed.allowed
assert allowed.agents == scraper.inspect().agents and allowed.principal == issued.principal
assert allowed.revocation_ids[-1] == scraper.revocation_id and researcher.revocation_id in allowed.revocation_ids
assert allowed.expires_at == scraper.inspect().expires_at

refused = platform.verify(scraper, {**context, "args": {"amount": 20.5}}, dry_run=True)
assert isinstance(refused, Refused) and refused.code == "caveat_failed"
assert refused.failures[0].caveat == "args.amount <= 20"
assert not platform.verify(scraper.attenuate("agent = deeper"), context).allowed
SPELLINGS: tuple[Format, ...] = ("v1", "v2-json", "v1-json")
for spelling in SPELLINGS:
    assert platform.verify(scraper.encode(spelling), context).allowed, spelling

# Cut off in the middle, by possession: the root lives on.
revoked = stranger.revoke(researcher, reason="story", public_reason=True)
assert revoked.revocations[0].target == {"revocation_id": researcher.revocation_id}
questions = [Question(token, context, min_sequence=revoked.sequence) for token in (root, researcher, scraper)]
results = platform.verify_batch([*questions, Question(root, {"time": "mine"})])
assert [getattr(result, "allowed", None) for result in results] == [True, False, False, None]
told = [result.revocation for result in results if isinstance(result, Refused)]
assert [killing is not None and (killing.by, killing.reason) for killing in told] == [("holder", "story")] * 2
assert isinstance(results[3], Problem) and results[3].code == "invalid_request"
assert [getattr(result, "code", None) for result in results[1:3]] == ["revoked", "revoked"]

# Problems keep their codes.
assert code_of(lambda: alice.issue("default", ttl=10**8)) == "ttl_too_long"
assert code_of(lambda: alice.issue("default", caveats=["no caveat"])) == "invalid_request"
assert code_of(lambda: stranger.tokens()) == "unauthenticated"
assert code_of(lambda: platform.token("nothing")) == "not_found"

# Renewed by its holder, as long as policy's session lasts.
long = Bakehouse(url, os.environ["LONG"])
renewable = long.issue("long", on_behalf_of={"subject": "alice"}, ttl=60)
renewed = stranger.renew(renewable.token, ttl=120, caveats=["action = read"])
assert renewed.predecessor == renewable.token_id and renewed.principal == renewable.principal
assert code_of(lambda: stranger.renew(Token.parse(renewable.token).attenuate("action = read"))) == "not_found"
assert code_of(lambda: alice.renew(issued.token)) == "forbidden"
found = long.token(renewed.token_id)
assert found.predecessor == renewable.token_id and found.renewable_until is not None

# Asked as a resource: a token that was issued for it is good there alone.
mine, other = "https://mcp.example.com/files", "https://mcp.example.com/mail"
bound = platform.issue("default", on_behalf_of={"subject": "alice"}, caveats=[f"aud = {mine}"]).token
verdicts = [platform.verify(bound, {}, resource=resource).allowed for resource in (mine, other, None)]
assert verdicts == [True, False, False]
batch = platform.verify_batch([Question(bound, {}, resource=mine), Question(bound, {}, resource=other)])
assert [getattr(result, "allowed", None) for result in batch] == [True, False]
assert not platform.verify(root.attenuate(f"aud = {mine}"), {"action": "read"}, resource=mine).allowed

# Third-party caveats are asked for at issue, and discharged by the person that the token is for.
gated = Token.parse(
    platform.issue(
        "default",
        on_behalf_of={"subject": "alice"},
        third_party_caveats=[{"location": url, "condition": "is-principal"}],
    ).token
)
missing = platform.verify(gated, {})
assert isinstance(missing, Refused) and missing.code == "discharge_missing" and missing.undischarged[0].location == url
assert code_of(lambda: stranger.discharge(b"no ticket", token=gated)) == "ticket_invalid"
proof = discharge_token(gated, allow=[url], show_token_to=[url], credentials={url: os.environ["ALICE"]})
assert platform.verify(proof, {}).allowed
answer = alice.discharge(gated.undischarged()[0].ticket, token=gated, ancestor=gated.revocation_id)
assert isinstance(answer, Discharged)
# A yes to one call is good for no other.
paying = for_this_call({"amount": 40, "to": "printers"}, "pay")
once = discharge_token(gated, allow=[url], show_token_to=[url], credentials={url: os.environ["ALICE"]}, caveats=paying)
assert platform.verify(once, {"tool": "pay", "args": {"amount": 40, "to": "printers"}}).allowed
assert not platform.verify(once, {"tool": "pay", "args": {"amount": 41, "to": "printers"}}).allowed
# It serves what descends from the token, too, while that is narrowed further.
child = gated.with_discharges(answer.discharge).delegate("child", ["action = read"])
assert platform.verify(child, {"action": "read"}).allowed
assert not platform.verify(child, {"action": "pay"}).allowed
