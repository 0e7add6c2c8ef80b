"""Tokens and caveats, where the comparison with the library in TypeScript does not reach."""

from __future__ import annotations

import copy
import unittest
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import bakehouse
from bakehouse import Token, TokenError

ROOT = "AgETaHR0cDovL2V4YW1wbGUub3JnLwIFa2V5aWQAAAYgfN7nklEcW8b1KEhYBd_psk54XijiqZMB-dcRxgnjjvc"
NOW = datetime(2026, 11, 27, 11, 0, 0, 123_456, timezone.utc)


class Delegating(unittest.TestCase):
    def test_the_name_comes_first_then_the_limits(self) -> None:
        token = Token.parse(ROOT).delegate("researcher", ["action = read", bakehouse.at_most("n", 5)], ttl=60, depth=0)
        name, *limits, end, depth = [caveat.text for caveat in token.inspect().caveats]
        self.assertRegex(name, r"^agent = researcher#[A-Za-z0-9_-]{12}$")
        self.assertEqual((limits, depth), (["action = read", "n <= 5"], "depth <= 0"))
        self.assertRegex(end, r"^time < [0-9T:.-]{19,23}Z$")

    def test_two_delegations_are_two_links(self) -> None:
        token = Token.parse(ROOT)
        self.assertNotEqual(token.delegate("a").revocation_id, token.delegate("a").revocation_id)
        self.assertEqual(token.delegate("a", instance="1").encode(), token.delegate("a", instance="1").encode())

    def test_nothing_changes_the_token_that_was_given(self) -> None:
        token = Token.parse(ROOT)
        token.delegate("a", ["x = 1"])
        self.assertEqual(token.encode(), ROOT)
        self.assertIs(token.attenuate(), token)
        self.assertEqual(copy.copy(token.inspect()), token.inspect())

    def test_no_more_budgets_than_a_verifier_lets_pass(self) -> None:
        full = Token.parse(ROOT).attenuate(*["uses <= 9"] * 32)
        with self.assertRaises(TokenError) as raised:
            full.attenuate("rate <= 9/m")
        self.assertEqual(raised.exception.code, "too_large")
        self.assertNotEqual(full.attenuate("action = read").encode(), full.encode())

    def test_what_is_no_list_of_caveats_and_no_name(self) -> None:
        token = Token.parse(ROOT)
        with self.assertRaisesRegex(TypeError, "list of texts, not one text, such as"):
            token.delegate("a", "x = 1")
        wrong: list[tuple[object, str]] = [
            (lambda: token.attenuate(["x = 1"]), r"one by one, attenuate\(\*caveats\)"),  # type: ignore[arg-type]
            (lambda: token.delegate("a", [["x = 1"]]), "each caveat is a text, not list"),  # type: ignore[list-item]
            (lambda: token.delegate("a", ttl="15m"), "a number of seconds, such as 900, not str"),  # type: ignore[arg-type]
            (lambda: Token.parse(token), "its text or bytes, not Token"),  # type: ignore[arg-type]
            (lambda: bakehouse.discharge_token(ROOT, allow=[]), r"Token\.parse\(text\)"),  # type: ignore[arg-type]
            (lambda: bakehouse.discharge_token(token, allow="https://b.example"), "lists of texts, not one text, such as"),
        ]
        for run, message in wrong:
            assert callable(run)
            with self.assertRaisesRegex(TypeError, message) as refused:
                run()
            self.assertNotIn(ROOT[:12], str(refused.exception))

    def test_no_caveats_for_a_discharge_that_nothing_needs(self) -> None:
        token = Token.parse(ROOT)
        with self.assertRaisesRegex(TokenError, r"attenuate\(\*caveats\)") as raised:
            bakehouse.discharge_token(token, allow=["https://b.example"], caveats=["args.amount = 40"])
        self.assertEqual(raised.exception.code, "undischarged")
        with self.assertRaisesRegex(TokenError, "name its tool"):
            bakehouse.for_this_call({})
        for name in ("", "a b", "a#b", "a" * 129, "ä"):
            with self.assertRaises(TokenError) as raised:
                token.delegate(name)
            self.assertEqual(raised.exception.code, "invalid_caveat")

    def test_a_key_stands_behind_the_name_and_before_the_limits(self) -> None:
        key = f"{'a' * 42}A"
        child = Token.parse(ROOT).delegate("a", ["x = 1"], instance="1", holder=key)
        self.assertEqual([caveat.text for caveat in child.inspect().caveats[-3:]], ["agent = a#1", f"holder = {key}", "x = 1"])

    def test_a_token_has_no_text_but_by_encode(self) -> None:
        token = Token.parse(ROOT)
        self.assertEqual(f"{token} {token!r}", f"<token {token.revocation_id}> <token {token.revocation_id}>")
        self.assertNotIn(ROOT, f"{token} {token!r} {[token]} {token.inspect()}")
        with self.assertRaises(TypeError):
            copy.deepcopy(token)


class Builders(unittest.TestCase):
    def test_numbers_of_python(self) -> None:
        rows = [
            (bakehouse.equals("n", Decimal("1.50")), "n = 1.5"),
            (bakehouse.at_most("n", Decimal("1E+3")), "n <= 1000"),
            (bakehouse.equals("n", -0.0), "n = 0"),
            (bakehouse.equals("n", 10**39), f"n = 1{'0' * 39}"),
            (bakehouse.equals("ok", True), "ok = true"),
            (bakehouse.one_of("n", 1, False, "x"), "n in 1, false, x"),
            (bakehouse.uses(3), "uses <= 3"),
            (bakehouse.spend("EUR", Decimal("40.00")), "spend.EUR <= 40"),
            (bakehouse.spend("EUR", "1e2"), "spend.EUR <= 100"),
            (bakehouse.rate(20, "m"), "rate <= 20/m"),
            (bakehouse.holder(f"{'a' * 42}A"), f"holder = {'a' * 42}A"),
        ]
        for built, text in rows:
            self.assertEqual(built, text)

    def test_instants_of_python(self) -> None:
        east = timezone(timedelta(hours=2))
        self.assertEqual(bakehouse.expires_at(NOW.astimezone(east)), "time < 2026-11-27T11:00:00.123456Z")
        self.assertEqual(bakehouse.expires_in(60, now=NOW), "time < 2026-11-27T11:01:00.123Z")
        self.assertEqual(bakehouse.less_than("due", datetime(1, 1, 1, tzinfo=timezone.utc)), "due < 0001-01-01T00:00:00Z")

    def test_what_no_caveat_can_say(self) -> None:
        rows = [
            lambda: bakehouse.equals("n", float("nan")),
            lambda: bakehouse.at_most("n", float("inf")),
            lambda: bakehouse.at_most("n", Decimal("NaN")),
            lambda: bakehouse.at_most("n", 10**40),
            lambda: bakehouse.at_most("n", 10**5000),
            lambda: bakehouse.at_most("n", True),
            lambda: bakehouse.expires_at(datetime(2026, 1, 1)),
            lambda: bakehouse.expires_at("tomorrow"),
            lambda: bakehouse.expires_in(0),
            lambda: bakehouse.expires_in(float("nan")),
            lambda: bakehouse.expires_in(1e30),
            lambda: bakehouse.depth(True),
            lambda: bakehouse.depth(-1),
            lambda: bakehouse.uses(10**15),
            lambda: bakehouse.uses(1.0),  # type: ignore[arg-type]
            lambda: bakehouse.spend("EUR", -1),
            lambda: bakehouse.spend("a.b", 1),
            lambda: bakehouse.spend("EUR <= 9, x", 1),
            lambda: bakehouse.rate(1, "w"),  # type: ignore[arg-type]
            lambda: bakehouse.holder("a" * 43),
            lambda: bakehouse.equals("time", "x"),
            lambda: bakehouse.equals("a = b, c", "x"),
        ]
        for build in rows:
            with self.assertRaises(TokenError) as raised:
                build()
            self.assertEqual(raised.exception.code, "invalid_caveat")


class ThisCall(unittest.TestCase):
    def test_what_no_caveat_can_say_is_named(self) -> None:
        circle: dict[str, object] = {}
        circle["self"] = circle
        rows: list[tuple[dict[str, object], str]] = [
            ({"tags": ["a"]}, '"args.tags"'),
            ({"note": None}, '"args.note"'),
            ({"to": {}}, '"args.to"'),
            ({"to": {"at": NOW}}, '"args.to.at"'),
            ({"n": float("nan")}, '"args.n"'),
            ({"a b = 1": 1}, '"args.a b = 1"'),
            ({f"a{index}": 1 for index in range(257)}, "more than 256 values"),
            (circle, '"args.self.self'),
        ]
        for args, named in rows:
            with self.assertRaises(TokenError) as raised:
                bakehouse.for_this_call(args)
            self.assertIn(named, str(raised.exception))
        self.assertEqual(bakehouse.for_this_call({"n": Decimal("1.50")}), ["args.n = 1.5"])


class Inspecting(unittest.TestCase):
    def test_the_end_is_by_the_clock_that_is_given(self) -> None:
        token = Token.parse(ROOT).attenuate(bakehouse.expires_at(NOW), "time > 2020-01-01T00:00:00Z")
        self.assertEqual(token.inspect().expires_at, NOW)
        self.assertTrue(token.inspect(NOW).is_expired)
        self.assertFalse(token.inspect(NOW - timedelta(microseconds=1)).is_expired)


if __name__ == "__main__":
    unittest.main()
