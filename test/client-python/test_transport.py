"""Calls: what is sent, what is repeated, what is believed, and what never shows."""

from __future__ import annotations

import json
import os
import traceback
import unittest
from collections.abc import Callable
from decimal import Decimal
from enum import Enum, IntEnum
from unittest import mock

from bakehouse import Allowed, Bakehouse, BakehouseError, Problem, ProblemError, Proof, Question, Refused, Token
from bakehouse.jsontext import encode_json
from bakehouse.origin import base_of, origin_of, page_of
from fake_service import FakeService, Hang, Reply, answer, problem

CANARY = "canary-7f3a9c"
INSTANT = "2026-11-27T11:00:00.123Z"
ROOT = "AgETaHR0cDovL2V4YW1wbGUub3JnLwIFa2V5aWQAAAYgfN7nklEcW8b1KEhYBd_psk54XijiqZMB-dcRxgnjjvc"
TOKEN_ID = "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081"
ISSUED_ROOT = "AgETaHR0cDovL2V4YW1wbGUub3JnLwJMYmgxLlprM3ZRbTJ4VDlhQmNEZUYuMDE5YThiM2MtNWQ3ZS03ZjEwLThhMmItM2M0ZDVlNmY3MDgxLnBXM2tEMHE5eFliMkxtTmEuMAAABiDE9w2vbv-moglWzWK1bKpLbcXQg8XIWIiH_7AMdwM_4Q"
COUNTED = Token.parse(ROOT).attenuate("uses <= 3").encode()
PRINCIPAL = {"id": "p", "issuer": "https://login.test", "subject": "alice", "new_member": 1}
FACTS = {
    "token_id": "t",
    "revocation_id": "r",
    "platform": "default",
    "principal": PRINCIPAL,
    "issued_at": INSTANT,
    "expires_at": INSTANT,
    "caveats": ["action = read"],
    "summary": "only read",
}
ISSUED = {"token": ROOT, **FACTS}
ALLOWED = {
    "allowed": True,
    "key_id": "k",
    "agents": [],
    "revocation_ids": ["r"],
    "budgets": [{"caveat": "uses <= 3", "remaining": "2"}],
    "sequence": "s",
    **FACTS,
}
FAILURE = {"index": 0, "caveat": "a = b", "agent": None, "code": "caveat_failed", "detail": "no"}
REFUSED = {
    "allowed": False,
    "code": "caveat_failed",
    "detail": "no",
    "failures": [FAILURE],
    "undischarged": [],
    "sequence": "s",
}


def client(fake: FakeService, credential: str | None = CANARY, timeout: float = 60) -> tuple[Bakehouse, list[float]]:
    """A client that notes its pauses and takes none."""
    service = Bakehouse(fake.url, credential, timeout=timeout)
    pauses: list[float] = []
    service._transport._sleep = pauses.append
    return service, pauses


def failure(run: Callable[[], object]) -> BakehouseError:
    try:
        run()
    except BakehouseError as error:
        return error
    raise AssertionError("it did not fail")


class Sending(unittest.TestCase):
    def test_a_question_and_its_answers(self) -> None:
        with FakeService(answer(ALLOWED), answer(REFUSED)) as fake:
            service, _ = client(fake)
            context = {"args": {"amount": Decimal("0.10000000000000000000001"), "tags": ["a", None, True, 1.5]}}
            allowed = service.verify(Token.parse(ROOT), context, cost={"EUR": Decimal("1.10")}, min_sequence="s")
            assert isinstance(allowed, Allowed)
            self.assertEqual((allowed.principal.subject, allowed.budgets[0].remaining), ("alice", "2"))
            self.assertEqual(allowed.expires_at.isoformat(), "2026-11-27T11:00:00.123000+00:00")
            proof = Proof(CANARY, "POST", "https://api.example/orders", "d")
            refused = service.verify("text", {}, proof=proof, endorsements=["e"], resource="https://api.example")
            assert isinstance(refused, Refused)
            self.assertEqual((refused.code, refused.failures[0].placed), ("caveat_failed", None))
        first, second = fake.asked
        self.assertEqual((first.method, first.path), ("POST", "/v1/verify"))
        self.assertEqual(first.headers["authorization"], f"Bearer {CANARY}")
        self.assertEqual(first.headers["content-type"], "application/json")
        self.assertEqual(first.body["token"], ROOT)
        sent = {"dpop": CANARY, "method": "POST", "uri": "https://api.example/orders", "content_digest": "d"}
        asked = {"token": "text", "context": {}, "proof": sent, "endorsements": ["e"], "resource": "https://api.example"}
        self.assertEqual(second.body, asked)
        self.assertNotIn("resource", first.body)

    def test_a_decimal_keeps_its_digits_and_a_value_without_a_place_in_json_is_refused(self) -> None:
        self.assertEqual(encode_json({"a": Decimal("0.10"), "b": [1, 1e300, "é\n"]}), '{"a":0.10,"b":[1,1e+300,"é\\n"]}')
        for value in (float("nan"), Decimal("Infinity"), "\ud800", 10**500):
            with self.assertRaises(ValueError):
                encode_json({"a": value})
        for value in ({1: "a"}, {"a": object()}, b"bytes"):
            with self.assertRaises(TypeError):
                encode_json(value)
        deep: object = None
        for _ in range(70):
            deep = [deep]
        with self.assertRaises(ValueError):
            encode_json(deep)

    def test_a_member_of_an_enumeration_is_what_it_holds(self) -> None:
        class Action(str, Enum):
            DELETE = "delete"

        class Level(IntEnum):
            HIGH = 5

        written = encode_json({"action": Action.DELETE, Action.DELETE: [Level.HIGH]})
        self.assertEqual(written, '{"action":"delete","delete":[5]}')

    def test_tokens_alone_are_revoked_without_a_credential(self) -> None:
        entry = {"id": "i", "target": {"revocation_id": "r"}, "revoked_at": INSTANT, "sequence": "s", "scope": "link"}
        with FakeService(answer({"revocations": [entry], "sequence": "s"})) as fake:
            service, _ = client(fake)
            revoked = service.revoke(Token.parse(ROOT), reason="seen in a log")
            self.assertEqual(revoked.revocations[0].target, {"revocation_id": "r"})
            service.revoke({"token_id": "t"}, {"agent": "a"})
        self.assertNotIn("authorization", fake.asked[0].headers)
        self.assertEqual(fake.asked[0].body, {"targets": [{"token": ROOT}], "reason": "seen in a log"})
        self.assertIn("authorization", fake.asked[1].headers)

    def test_a_token_is_renewed_by_showing_it(self) -> None:
        with FakeService(answer({**ISSUED, "predecessor": "p"}, 201), answer(ISSUED, 201)) as fake:
            service, _ = client(fake)
            renewed = service.renew(Token.parse(ISSUED_ROOT), ttl=60, caveats=["action = read"], idempotency_key="k")
            self.assertEqual((renewed.predecessor, renewed.token_id), ("p", "t"))
            self.assertNotIn(ROOT, repr(renewed))
            self.assertEqual(failure(lambda: service.renew(ISSUED_ROOT)).code, "bad_answer")
            with self.assertRaises(ValueError):
                service.renew(ROOT)
        first, second = fake.asked
        self.assertEqual((first.method, first.path), ("POST", f"/v1/tokens/{TOKEN_ID}/renew"))
        self.assertEqual(first.body, {"token": ISSUED_ROOT, "ttl": 60, "caveats": ["action = read"]})
        self.assertEqual((first.headers["idempotency-key"], second.body), ("k", {"token": ISSUED_ROOT}))
        # The token is what says that they may.
        self.assertNotIn("authorization", first.headers)

    def test_lists_and_records(self) -> None:
        record = {**FACTS, "key_id": "k", "status": "active"}
        with FakeService(answer({"items": [record], "next_cursor": None}), answer(record)) as fake:
            service, _ = client(fake)
            self.assertEqual(service.tokens(platform="a b", limit=1).items[0].status, "active")
            self.assertEqual(service.token("../keys").key_id, "k")
        self.assertEqual([asked.path for asked in fake.asked], ["/v1/tokens?platform=a+b&limit=1", "/v1/tokens/..%2Fkeys"])

    def test_a_batch_has_an_answer_for_each_question(self) -> None:
        trouble = {"code": "unavailable", "detail": "later", "status": 503}
        questions = [Question(ROOT, {}), Question(ROOT, {}, dry_run=True), Question(ROOT, {})]
        with FakeService(answer({"results": [ALLOWED, REFUSED, trouble]}), answer({"results": [ALLOWED]})) as fake:
            service, _ = client(fake)
            kinds = [type(result) for result in service.verify_batch(questions)]
            self.assertEqual(kinds, [Allowed, Refused, Problem])
            self.assertEqual(failure(lambda: service.verify_batch(questions)).code, "bad_answer")
        self.assertEqual([one.get("dry_run") for one in fake.asked[0].body["requests"]], [None, True, None])

    def test_a_path_before_the_api_stays(self) -> None:
        with FakeService(answer({"status": "ready"})) as fake:
            Bakehouse(f"{fake.url}/below/").ready()
        self.assertEqual(fake.asked[0].path, "/below/readyz")


class Repeating(unittest.TestCase):
    CALLS: dict[str, Callable[[Bakehouse], object]] = {
        "issue": lambda service: service.issue("default"),
        "renew": lambda service: service.renew(ISSUED_ROOT),
        "verify": lambda service: service.verify(ROOT, {}),
        "counted verify": lambda service: service.verify(COUNTED, {}),
        "named verify": lambda service: service.verify(COUNTED, {}, charge_id="c-1"),
        "unreadable verify": lambda service: service.verify("text", {}),
        "batch": lambda service: service.verify_batch([Question(ROOT, {}), Question(COUNTED, {}, dry_run=True)]),
        "counted batch": lambda service: service.verify_batch([Question(ROOT, {}), Question(COUNTED, {})]),
        "dry verify": lambda service: service.verify(ROOT, {}, dry_run=True),
        "ready": lambda service: service.ready(),
    }

    def test_what_is_made_again(self) -> None:
        page = Reply(502, "<html>", {"Content-Type": "text/html"})
        rows: list[tuple[str, Reply | None, int]] = [
            ("issue", problem(503, "unavailable"), 3),
            ("issue", problem(409, "idempotency_in_flight"), 3),
            ("issue", problem(500, "internal_error"), 1),
            ("issue", problem(403, "forbidden"), 1),
            ("issue", page, 3),
            ("issue", None, 3),
            ("issue", Reply(200, "{}", cut=5), 3),
            ("renew", None, 3),
            ("renew", problem(403, "forbidden"), 1),
            ("verify", problem(503, "unavailable"), 3),
            ("verify", problem(429, "rate_limited"), 3),
            ("verify", page, 1),
            ("verify", None, 1),
            ("verify", Reply(200, "{}", cut=5), 1),
            ("counted verify", problem(503, "unavailable"), 1),
            ("counted verify", problem(429, "rate_limited"), 3),
            ("named verify", problem(503, "unavailable"), 3),
            ("named verify", None, 1),
            ("unreadable verify", problem(503, "unavailable"), 1),
            ("batch", problem(503, "unavailable"), 3),
            ("counted batch", problem(503, "unavailable"), 1),
            ("dry verify", None, 3),
            ("ready", problem(503, "unavailable"), 1),
            ("ready", problem(429, "rate_limited"), 3),
        ]
        for name, reply, times in rows:
            with self.subTest(call=name, reply=reply), FakeService(reply) as fake:
                service, pauses = client(fake)
                error = failure(lambda: self.CALLS[name](service))
                self.assertEqual(len(fake.asked), times)
                self.assertEqual(len(pauses), times - 1)
                self.assertEqual(isinstance(error, ProblemError), reply is not None and "code" in reply.body)

    def test_one_answer_ends_it_and_the_key_stays(self) -> None:
        with FakeService(None, problem(503, "unavailable", **{"Retry-After": "7"}), answer(ISSUED)) as fake:
            service, pauses = client(fake)
            self.assertEqual(service.issue("default", ttl=5, caveats=["action = read"]).platform, "default")
        keys = {asked.headers["idempotency-key"] for asked in fake.asked}
        self.assertEqual((len(fake.asked), len(keys)), (3, 1))
        self.assertTrue(0 <= pauses[0] <= 0.1 and 7 <= pauses[1] <= 7.4)


class Believing(unittest.TestCase):
    def test_a_redirect_is_not_followed(self) -> None:
        with FakeService(answer(ALLOWED)) as other:
            with FakeService(Reply(302, "", {"Location": f"{other.url}/v1/verify"})) as fake:
                for name in ("issue", "verify", "ready"):
                    service, _ = client(fake)
                    error = failure(lambda: Repeating.CALLS[name](service))
                    self.assertEqual((error.code, error.status), ("bad_answer", 302))
            self.assertEqual(other.asked, [])

    def test_a_problem_is_told_with_all_that_it_says(self) -> None:
        reply = problem(422, "ttl_too_long", **{"x-request-id": "abc", "Retry-After": "soon"})
        reply.body = reply.body[:-1] + ', "member": "ttl"}'
        with FakeService(reply) as fake:
            service, _ = client(fake)
            error = failure(lambda: service.issue("default"))
        self.assertIsInstance(error, ProblemError)
        self.assertEqual(str(error), "it is ttl_too_long")
        facts = (error.code, error.status, error.member, error.request_id, error.retry_after)
        self.assertEqual(facts, ("ttl_too_long", 422, "ttl", "abc", None))

    def test_an_answer_that_is_none(self) -> None:
        without_id = {name: value for name, value in ALLOWED.items() if name != "token_id"}
        rows = {
            "[]": "body is not",
            "{": "not JSON",
            '{"allowed": NaN}': "not JSON",
            '{"allowed": true, "allowed": true}': "not JSON",
            '{"allowed": "\\ud800"}': "not JSON",
            json.dumps(without_id): "token_id is not there",
            json.dumps({**ALLOWED, "agents": [1]}): "agents[0] is not a text",
            json.dumps({**ALLOWED, "expires_at": "soon"}): "expires_at is not an instant",
            json.dumps({**ALLOWED, "principal": []}): "principal is not an object",
            json.dumps({**ALLOWED, "allowed": 1}): "allowed is not false",
            json.dumps({**REFUSED, "failures": [{**FAILURE, "index": 1.5}]}): "failures[0].index is not",
        }
        for body, place in rows.items():
            with self.subTest(body=body), FakeService(Reply(200, body)) as fake:
                service, _ = client(fake)
                error = failure(lambda: service.verify(ROOT, {}))
                self.assertEqual(error.code, "bad_answer")
                self.assertIn(place, str(error))

    def test_an_answer_that_is_too_large(self) -> None:
        large = "x" * (1024 * 1024 + 1)
        with FakeService(Reply(200, large)) as fake:
            service, _ = client(fake)
            self.assertIn("exceeds 1048576 bytes", str(failure(lambda: service.discharge(b"ticket"))))
        with FakeService(Reply(400, large)) as fake:
            service, _ = client(fake)
            self.assertIn("exceeds", str(failure(lambda: service.verify(ROOT, {}))))

    def test_an_answer_that_never_ends_is_given_up(self) -> None:
        with FakeService(Hang()) as fake:
            service, _ = client(fake, timeout=0.5)
            self.assertEqual(failure(lambda: service.verify(ROOT, {})).code, "timeout")

    def test_nobody_there(self) -> None:
        with FakeService(answer(ALLOWED)) as fake:
            service, _ = client(fake)
        error = failure(lambda: service.verify(ROOT, {}))
        self.assertEqual((error.code, error.status), ("unreachable", None))
        self.assertIn("the service at http", str(error))


class Channels(unittest.TestCase):
    def test_plain_http_goes_to_this_machine_alone(self) -> None:
        for url in ("http://tokens.example", "http://10.0.0.1:8080", "http://127.0.0.1.evil.example", "http://localhost.evil"):
            with self.assertRaisesRegex(ValueError, "insecure_http"):
                Bakehouse(url)
            self.assertTrue(repr(Bakehouse(url, insecure_http=True)).startswith("<bakehouse at http://"))
        for url in ("http://127.0.0.1:1", "http://localhost", "HTTP://LOCALHOST/", "http://[::1]:8080", "https://tokens.example"):
            Bakehouse(url)
        for url in ("ftp://a", "tokens.example", "https://a@b", "https://a/?q", "https://a/#f", "file:///etc/passwd", "https://a b"):
            with self.assertRaisesRegex(ValueError, "must be http or https.*such as http://127.0.0.1:8080"):
                Bakehouse(url, insecure_http=True)
        self.assertEqual(base_of("HTTPS://A.example:0443/x/", False), ("https://a.example", "/x"))

    def test_places_that_a_holder_wrote(self) -> None:
        self.assertEqual(origin_of("https://A.example:443/"), "https://a.example")
        for location in ("https://a.example/x", "https://a@b.example", "javascript:alert(1)", "https://a?b", "", "https://\u00e4"):
            self.assertIsNone(origin_of(location))
        self.assertEqual(page_of("https://b.example/x?y#z", "https://a.example"), "https://b.example/x?y#z")
        self.assertEqual(page_of("http://127.0.0.1:1/x", "http://127.0.0.1:1"), "http://127.0.0.1:1/x")
        for page in ("http://b.example/", "javascript:alert(1)", "https://a@b.example/", "https://b.example/\n", "https://b/\u202e"):
            self.assertIsNone(page_of(page, "https://a.example"))

    def test_no_proxy_reads_plain_http(self) -> None:
        with FakeService(answer({})) as proxy, FakeService(answer({"status": "ready"})) as fake:
            with mock.patch.dict(os.environ, {"http_proxy": proxy.url, "all_proxy": proxy.url, "no_proxy": ""}):
                Bakehouse(fake.url).ready()
            self.assertEqual((len(fake.asked), proxy.asked), (1, []))


class Secrets(unittest.TestCase):
    def shown(self, error: BaseException) -> str:
        """All that a log may print of an error, those that it came from included."""
        texts: list[str] = []
        while True:
            texts += [str(error), repr(error), repr(vars(error)), *map(repr, error.args)]
            following = error.__cause__ or error.__context__
            if following is None:
                return "\n".join([*texts, *traceback.format_exception(error)])
            error = following

    def test_no_error_and_no_representation_holds_one(self) -> None:
        answers = (
            Reply(200, f'{{"token": "{CANARY}"'),
            Reply(200, json.dumps({**ISSUED, "token": CANARY, "issued_at": CANARY})),
            Reply(200, f'{{"{CANARY}": 1}}'),
            Reply(500, CANARY),
            Reply(302, "", {"Location": f"https://{CANARY}.example"}),
            Reply(200, CANARY, cut=9),
        )
        errors: list[BaseException] = []
        for reply in answers:
            with FakeService(reply) as fake:
                service, _ = client(fake)
                errors.append(failure(lambda: service.issue("default")))
        for run in (
            lambda: Bakehouse("http://127.0.0.1:1", f"{CANARY}\nX: y").issue("default"),
            lambda: Bakehouse(f"https://{CANARY}@a.example"),
            lambda: Token.parse(f"{CANARY}!"),
            lambda: Token.parse(f'{{"{CANARY}": '),
            lambda: Token.parse(f'{{"i": "{CANARY}", "i": "{CANARY}"}}'),
            lambda: Token.parse(ROOT).attenuate(CANARY),
            lambda: Token.parse(CANARY.encode()),
            lambda: __import__("pickle").dumps(Token.parse(ROOT)),
        ):
            try:
                run()
            except (ValueError, TypeError) as error:
                errors.append(error)
        self.assertEqual(len(errors), len(answers) + 8)
        for error in errors:
            # Lines of this file hold it, too.
            shown = "\n".join(line for line in self.shown(error).split("\n") if not line.startswith("    "))
            self.assertNotIn(CANARY, shown)
            self.assertNotIn(ROOT, shown)

    def test_a_credential_that_can_be_none_is_refused_at_once(self) -> None:
        over = Token.parse(ROOT).attenuate("time < 2020-01-01T00:00:00Z").encode()
        for credential, reason in (
            (" ", "the credential is missing: is the variable set that it comes from? Without one, leave it out"),
            (
                "data/default.token",
                "the credential is a path: give what the file holds, such as data/default.token",
            ),
            (
                over,
                "the credential has expired, at 2020-01-01T00:00:00Z: "
                "a new one comes from bakehouse platforms credential, or bakehouse bootstrap --reissue",
            ),
            ("e30.eyJleHAiOjE1Nzc4MzY4MDB9.c2ln", "the credential has expired, at 2020-01-01T00:00:00Z: log in again"),
        ):
            with self.assertRaises(ProblemError) as raised:
                Bakehouse("http://127.0.0.1:1", credential)
            self.assertEqual((raised.exception.code, str(raised.exception)), ("unauthenticated", reason))
        Bakehouse("http://127.0.0.1:1", ROOT)
        Bakehouse("http://127.0.0.1:1", "a.b.c")

    def test_ready_says_why_a_credential_is_not_taken(self) -> None:
        refused = problem(401, "unauthenticated")
        with FakeService(answer({"status": "ready"}), refused) as fake:
            service, _ = client(fake)
            error = failure(service.ready)
        self.assertEqual(getattr(error, "code", None), "unauthenticated")
        self.assertIn("never a token that was issued to somebody", str(error))

    def test_a_search_that_finds_a_planted_one(self) -> None:
        self.assertIn(CANARY, self.shown(ValueError(CANARY)))

    def test_objects_do_not_print_themselves(self) -> None:
        pending = {"id": "i", "secret": CANARY, "expires_at": INSTANT}
        replies = (answer({**ISSUED, "token": CANARY}), answer(pending, 202), answer({"discharge": CANARY}))
        with FakeService(*replies) as fake:
            service, _ = client(fake)
            shown = [repr(service), repr(service._transport), str(Token.parse(ROOT)), f"{Token.parse(ROOT)!r}"]
            issued = service.issue("default")
            shown += [repr(issued), repr(service.discharge(b"t")), repr(service.discharge(b"t"))]
            shown += [repr(Question(CANARY, {}, proof=Proof(CANARY, "GET", "u"), endorsements=[CANARY])), repr(Token.parse(ROOT)._root)]
        self.assertEqual(issued.token, CANARY)
        for text in shown:
            self.assertNotIn(CANARY, text)
            self.assertNotIn(ROOT, text)
            self.assertNotIn(Token.parse(ROOT)._root.signature.hex(), text)


if __name__ == "__main__":
    unittest.main()
