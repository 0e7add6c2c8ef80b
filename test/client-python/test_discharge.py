"""Discharges: who is asked, what they are shown, and what is taken from them."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from dataclasses import replace
from unittest import mock

from bakehouse import Interaction, ProblemError, Token, TokenError, discharge_token
from bakehouse.codec import decode_bundle, encode_bundle
from bakehouse.codec.base64 import encode_base64url
from bakehouse.codec.parts import Macaroon, RawCaveat
from fake_service import FakeService, Reply, answer, problem

ROOT = "AgETaHR0cDovL2V4YW1wbGUub3JnLwIFa2V5aWQAAAYgfN7nklEcW8b1KEhYBd_psk54XijiqZMB-dcRxgnjjvc"
PENDING = {"id": "a/b", "secret": "hush", "expires_at": "2999-01-01T00:00:00Z", "user_code": "BCDF-GHJK"}


def waiting(location: str, *tickets: bytes) -> Token:
    """A token with third-party caveats, as the service issues them; their keys are of no account here."""
    _, (root,) = decode_bundle(ROOT)
    caveats = tuple(RawCaveat(ticket, bytes(72), location) for ticket in tickets)
    return Token.parse(encode_bundle([replace(root, caveats=caveats)]))


def discharge(ticket: bytes, *caveats: str) -> str:
    raw = tuple(RawCaveat(caveat.encode()) for caveat in caveats)
    return encode_bundle([Macaroon(None, ticket, raw, bytes(32))])


def granted(ticket: bytes, *caveats: str) -> Reply:
    return answer({"discharge": discharge(ticket, *caveats)})


class Discharging(unittest.TestCase):
    def test_each_ticket_is_asked_for_at_its_place(self) -> None:
        with FakeService(granted(b"one"), granted(b"two", "ancestor = AAAAAAAAAAAAAAAAAAAAAA")) as party:
            token = waiting(party.url, b"one", b"two")
            whole = discharge_token(token, allow=[party.url], caveats=["args.amount = 40"])
        self.assertEqual(whole.undischarged(), ())
        self.assertEqual(len(token.undischarged()), 2)
        for asked, ticket in zip(party.asked, (b"one", b"two")):
            self.assertEqual(asked.path, "/v1/discharge")
            expected = {
                "caveat_id": encode_base64url(ticket),
                "ancestor": token.revocation_id,
                "caveats": ["args.amount = 40"],
            }
            self.assertEqual(asked.body, expected)
            self.assertNotIn("authorization", asked.headers)
        # The one that no ancestor ties is bound; the other is as it came.
        _, (_, bound, tied) = decode_bundle(whole.encode())
        self.assertNotEqual(bound.signature, bytes(32))
        self.assertEqual(tied.signature, bytes(32))

    def test_the_token_and_credentials_go_where_the_caller_says_and_nowhere_else(self) -> None:
        with FakeService(granted(b"one")) as seeing, FakeService(granted(b"one")) as other:
            for party in (seeing, other):
                discharge_token(
                    waiting(party.url, b"one"),
                    allow=[seeing.url, other.url],
                    show_token_to=[seeing.url],
                    credentials={f"{seeing.url}/": "mine"},
                    for_descendants=False,
                )
            self.assertEqual(seeing.asked[0].body["token"], waiting(seeing.url, b"one").encode())
            self.assertEqual(seeing.asked[0].headers["authorization"], "Bearer mine")
            self.assertEqual(set(other.asked[0].body), {"caveat_id"})
            self.assertNotIn("authorization", other.asked[0].headers)

    def test_a_place_that_is_not_allowed_hears_nothing(self) -> None:
        with FakeService(granted(b"one")) as party:
            for location in (party.url, f"{party.url}/path", "https://evil.example", ""):
                with self.assertRaises(TokenError) as raised:
                    discharge_token(waiting(location, b"one"), allow=["https://tokens.example"])
                self.assertEqual(raised.exception.code, "undischarged")
                named = f"{party.url}, which allow does not name" if location == party.url else ""
                self.assertIn(named, str(raised.exception))
            self.assertEqual(party.asked, [])
        with self.assertRaisesRegex(ValueError, "insecure_http"):
            discharge_token(waiting("http://a.example", b"one"), allow=["http://a.example"])

    def test_a_person_is_told_and_waited_for(self) -> None:
        page = {**PENDING, "user_url": "https://tokens.example/approvals/1"}
        replies = (answer(page, 202), answer({}, 202), answer({}, 202), granted(b"one"))
        told: list[Interaction] = []
        with FakeService(*replies) as party, mock.patch("bakehouse.discharge.time.sleep") as sleep:
            discharge_token(waiting(party.url, b"one"), allow=[party.url], interact=told.append)
        self.assertEqual([asked.path for asked in party.asked[1:]], ["/v1/discharge/a%2Fb/collect"] * 3)
        self.assertEqual([asked.body for asked in party.asked[1:]], [{"secret": "hush"}] * 3)
        self.assertEqual((told[0].user_url, told[0].user_code), (page["user_url"], "BCDF-GHJK"))
        self.assertNotIn("hush", repr(told))
        self.assertEqual(sleep.call_count, 2)

    def test_what_ends_the_waiting(self) -> None:
        def heard(_: Interaction) -> None:
            pass

        rows: list[tuple[str, Callable[[Interaction], None] | None, dict[str, str], Reply]] = [
            ("interact=lambda ask: print", None, PENDING, answer({}, 202)),
            ("no safe web page", heard, {**PENDING, "user_url": "javascript:alert(1)"}, answer({}, 202)),
            ("nobody has answered", heard, {**PENDING, "expires_at": "2020-01-01T00:00:00Z"}, answer({}, 202)),
            ("for another caveat", heard, PENDING, granted(b"other")),
            ("cannot be read", heard, PENDING, answer({"discharge": "x!"})),
        ]
        for words, interact, pending, collected in rows:
            with self.subTest(words), FakeService(answer(pending, 202), collected) as party:
                with self.assertRaisesRegex(TokenError, words):
                    discharge_token(waiting(party.url, b"one"), allow=[party.url], interact=interact)
        with FakeService(answer(PENDING, 202), problem(403, "denied")) as party:
            with self.assertRaises(ProblemError) as raised:
                discharge_token(waiting(party.url, b"one"), allow=[party.url], interact=heard)
            self.assertEqual(raised.exception.code, "denied")
        # It was answered, so there is nothing to withdraw.
        self.assertEqual(len(party.asked), 2)

    def test_a_request_for_which_nobody_waits_is_withdrawn(self) -> None:
        def leave(_: Interaction) -> None:
            raise KeyboardInterrupt

        def heard(_: Interaction) -> None:
            pass

        rows: list[tuple[type[BaseException], Callable[[Interaction], None], Reply]] = [
            (KeyboardInterrupt, leave, answer({})),
            (KeyboardInterrupt, leave, problem(409, "conflict")),
            (TokenError, heard, answer({}, 202)),
        ]
        for kind, interact, last in rows:
            with self.subTest(kind=kind), FakeService(answer(PENDING, 202), last) as party:
                with self.assertRaises(kind):
                    discharge_token(waiting(party.url, b"one"), allow=[party.url], interact=interact, patience=0)
                self.assertEqual(party.asked[-1].path, "/v1/discharge/a%2Fb/withdraw")
                self.assertEqual(party.asked[-1].body, {"secret": "hush"})
                self.assertNotIn("authorization", party.asked[-1].headers)

    def test_a_caveat_that_nobody_can_read_goes_nowhere(self) -> None:
        with FakeService(granted(b"one")) as party:
            with self.assertRaises(TokenError) as raised:
                discharge_token(waiting(party.url, b"one"), allow=[party.url], caveats=["amount 40"])
            self.assertEqual((raised.exception.code, party.asked), ("invalid_caveat", []))

    def test_a_party_that_always_wants_one_more_is_left(self) -> None:
        with FakeService(answer({})) as party:
            more = Macaroon(None, b"one", (RawCaveat(b"one", bytes(72), party.url),), bytes(32))
            party.replies = [answer({"discharge": encode_bundle([more])})]
            with self.assertRaisesRegex(TokenError, "more than 32 discharges"):
                discharge_token(waiting(party.url, b"one"), allow=[party.url])
        self.assertLessEqual(len(party.asked), 33)


if __name__ == "__main__":
    unittest.main()
