#!/usr/bin/env python3
"""Tests the judges of cluster/chaos: what must pass, and each wrong that must not."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from chaos_check import (  # noqa: E402
    ACKNOWLEDGED,
    REFUSED,
    UNANSWERED,
    Causal,
    GrowingSet,
    Register,
    outcome,
)
from chaos_resp import RequestError  # noqa: E402


class OutcomeTests(unittest.TestCase):
    def test_only_a_proof_makes_a_refusal(self):
        self.assertEqual(outcome(None), ACKNOWLEDGED)
        self.assertEqual(outcome(RequestError("refused", nothing_done=True)), REFUSED)
        self.assertEqual(outcome(RequestError("timeout")), UNANSWERED)


class RegisterTests(unittest.TestCase):
    def register(self, *writes):
        register = Register("r")
        for value, how in writes:
            register.wrote(value, how)
        return register

    def test_the_last_acknowledged_value(self):
        register = self.register((1, ACKNOWLEDGED), (2, ACKNOWLEDGED))
        self.assertIsNone(register.saw(2))

    def test_an_older_or_no_value_is_a_loss(self):
        for seen in (1, None, 3):
            register = self.register((1, ACKNOWLEDGED), (2, ACKNOWLEDGED))
            self.assertIn(f"read {seen}, expected 2", register.saw(seen))

    def test_a_refused_write_never_shows(self):
        register = self.register((1, ACKNOWLEDGED), (2, REFUSED))
        self.assertIsNone(register.saw(1))
        self.assertIsNotNone(register.saw(2))

    def test_an_unanswered_write_may_show_but_not_vanish_again(self):
        register = self.register((1, ACKNOWLEDGED), (2, UNANSWERED))
        self.assertIsNone(register.saw(1))
        self.assertIsNone(register.saw(2))
        self.assertIsNotNone(register.saw(1))

    def test_an_unanswered_write_may_take_effect_after_a_later_one(self):
        register = self.register((1, ACKNOWLEDGED), (2, UNANSWERED), (3, ACKNOWLEDGED))
        self.assertIsNone(register.saw(3))
        self.assertIsNone(register.saw(2))
        self.assertEqual(register.late, 1)

    def test_but_only_once(self):
        register = self.register((1, ACKNOWLEDGED), (2, UNANSWERED))
        self.assertIsNone(register.saw(2))
        register.wrote(3, ACKNOWLEDGED)
        self.assertIsNotNone(register.saw(2))

    def test_a_complaint_tells_the_story(self):
        register = self.register((1, ACKNOWLEDGED))
        register.note("1.000 s client 0 at n1: SET r 1 -> OK")
        self.assertIn("client 0 at n1: SET r 1", register.saw(None))


class GrowingSetTests(unittest.TestCase):
    def setUp(self):
        self.set = GrowingSet("s")
        for element, how in (("a", ACKNOWLEDGED), ("b", UNANSWERED), ("c", REFUSED)):
            self.set.attempting(element)
            self.set.settled(element, how)

    def test_acknowledged_must_unanswered_may_refused_must_not_be_there(self):
        due = self.set.due()
        self.assertEqual(due, {"a"})
        self.assertIsNone(self.set.saw({"a"}, due))
        self.assertIsNone(self.set.saw({"a", "b"}, due))
        self.assertIn("missing: a", self.set.saw({"b"}, due))
        self.assertIn("refused: c", self.set.saw({"a", "c"}, due))

    def test_a_read_owes_nothing_to_what_came_after_it_began(self):
        due = self.set.due()
        self.set.attempting("d")
        self.assertIsNone(self.set.saw({"a", "d"}, due))
        self.set.settled("d", ACKNOWLEDGED)
        self.assertIsNone(self.set.saw({"a"}, due))
        self.assertIsNotNone(self.set.saw({"a"}, self.set.due()))


class CausalTests(unittest.TestCase):
    def test_siblings_stay_until_covered(self):
        history = Causal("c")
        history.wrote("v0", (), ACKNOWLEDGED)
        history.wrote("v1", (), ACKNOWLEDGED)
        self.assertIsNone(history.saw(["v0", "v1"]))
        self.assertIn("missing: v0", history.saw(["v1"]))

    def test_what_was_deleted_does_not_come_back(self):
        history = Causal("c")
        history.wrote("v0", (), ACKNOWLEDGED)
        history.wrote(None, ["v0"], ACKNOWLEDGED)
        self.assertIsNone(history.saw([]))
        self.assertIn("came back", history.saw(["v0"]))

    def test_an_unanswered_deletion_may_or_may_not_have_happened(self):
        history = Causal("c")
        history.wrote("v0", (), ACKNOWLEDGED)
        history.wrote(None, ["v0"], UNANSWERED)
        self.assertIsNone(history.saw([]))
        self.assertIsNone(history.saw(["v0"]))

    def test_a_deletion_spares_what_its_reader_had_not_seen(self):
        history = Causal("c")
        history.wrote("v0", (), ACKNOWLEDGED)
        history.wrote("v1", (), UNANSWERED)
        history.wrote(None, ["v0"], ACKNOWLEDGED)
        self.assertIsNone(history.saw(["v1"]))
        self.assertIsNone(history.saw([]))

    def test_a_replacement_and_a_refused_one(self):
        history = Causal("c")
        history.wrote("v0", (), ACKNOWLEDGED)
        history.wrote("no", ["v0"], REFUSED)
        self.assertIn("refused: no", history.saw(["v0", "no"]))
        history.wrote("v1", ["v0"], ACKNOWLEDGED)
        self.assertIsNone(history.saw(["v1"]))
        self.assertIsNotNone(history.saw(["v0", "v1"]))


if __name__ == "__main__":
    unittest.main()
