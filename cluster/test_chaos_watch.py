#!/usr/bin/env python3
"""Tests what cluster/chaos concludes from the states that nodes report, and its counting of hints and crashes."""

import pathlib
import sys
import tempfile
import types
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from chaos_faults import crash_lines  # noqa: E402
from chaos_verdict import hints_in  # noqa: E402
from chaos_watch import notices, peer_states  # noqa: E402


def sightings(observer, peer, *states):
    return [(at, observer, peer, state) for at, state in states]


class NoticeTests(unittest.TestCase):
    def complaints(self, seen, begin=10.0, end=25.0, troubles=()):
        freeze = ("this", "n2", begin, end)
        # The watch and the fault read the clock one after the other.
        same = ("this", "n2", begin - 0.001, end + 0.001)
        others = [("another", *trouble) for trouble in troubles]
        return [notice.complaint for notice in notices(seen, [freeze], [same, *others])]

    def test_noticed_and_returned_in_time(self):
        seen = sightings("n1", "n2", (9, "up"), (12, "up"), (15, "suspect"), (18, "down"), (25.5, "down"), (26, "up"))
        (notice,) = notices(seen, [("this", "n2", 10.0, 25.0)], [])
        self.assertEqual((notice.noticed, notice.returned, notice.complaint), (5.0, 1.0, None))

    def test_never_noticed(self):
        seen = sightings("n1", "n2", (9, "up"), (20, "up"), (26, "up"))
        self.assertIn("up all the time", self.complaints(seen)[0])
        self.assertEqual(self.complaints(seen, end=19.0), [None])

    def test_noticed_late(self):
        seen = sightings("n1", "n2", (9, "up"), (20.5, "down"), (26, "up"))
        self.assertIn("not up after 10.5 s", self.complaints(seen)[0])

    def test_returned_late_or_never(self):
        seen = sightings("n1", "n2", (9, "up"), (12, "down"), (28.5, "up"))
        self.assertIn("up again after 3.5 s", self.complaints(seen)[0])
        self.assertIn("up again never", self.complaints(seen[:2])[0])

    def test_an_observer_in_trouble_of_its_own_is_not_asked(self):
        seen = sightings("n1", "n2", (9, "up"), (20, "up"), (26, "up"))
        self.assertEqual(self.complaints(seen, troubles=[("n1", 12.0, 13.0)]), [])
        self.assertEqual(self.complaints(seen, troubles=[("n2", 26.0, 30.0)]), [])
        self.assertEqual(len(self.complaints(seen, troubles=[("n3", 12.0, 13.0)])), 1)

    def test_one_that_was_down_before_tells_nothing(self):
        self.assertEqual(self.complaints(sightings("n1", "n2", (9, "down"), (26, "up"))), [])

    def test_each_observer_counts(self):
        seen = sightings("n1", "n2", (9, "up"), (12, "down"), (26, "up")) + sightings("n3", "n2", (9, "up"), (26, "up"))
        self.assertEqual([bool(complaint) for complaint in self.complaints(seen)], [False, True])


class StatusTests(unittest.TestCase):
    def test_a_peer_is_a_text_or_a_map(self):
        status = ["node", "n1", "peers", ["n2", "up", "n3", ["phi", "0.1", "state", "suspect"]]]
        self.assertEqual(peer_states(status), {"n2": "up", "n3": "suspect"})


class EndTests(unittest.TestCase):
    def test_hints_are_counted_wherever_they_stand(self):
        self.assertEqual(hints_in({"nodes": [{"name": "n1", "count": 2}, {"name": "n2", "hints": 3}]}), 5)
        self.assertEqual(hints_in({"nodes": [{"name": "n1", "hints": [{"count": 4}]}], "bytes": 9}), 4)
        self.assertEqual(hints_in([]), 0)

    def test_crashes_are_found_in_the_logs_of_all_starts(self):
        with tempfile.TemporaryDirectory() as folder:
            directory = pathlib.Path(folder)
            (directory / "n1.1.log").write_text("ready\nHengeNode/Shard.swift:3: Fatal error: no slot\n")
            (directory / "n1.2.log").write_text("ready\nstopping\n")
            (directory / "n2.1.log").write_text("Precondition failed\n")
            lines = crash_lines(types.SimpleNamespace(directory=directory))
        self.assertEqual([line.split(":")[0] for line in lines], ["n1.1.log", "n2.1.log"])


if __name__ == "__main__":
    unittest.main()
