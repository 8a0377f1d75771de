#!/usr/bin/env python3
"""Tests what cluster/bench-ring checks: `python3 cluster/test_ring_checks.py`."""

import pathlib
import tempfile
import unittest

import ring_checks
from ring_checks import CheckFailed, Disk, Watch, lower_bound_bytes, moved_as_planned, transfers_as_planned


def told(partitions, size, wait=None, skipped=0):
    """What HENGE.STATUS of a node says."""
    return {
        "transfer_partitions_done": partitions,
        "transfer_keys_done": partitions,
        "transfer_bytes_done": size,
        "transfer_records_skipped": skipped,
        "transfer_wait": wait,
    }


class MovesTests(unittest.TestCase):
    before = ["n1", "n2", "n1", "n2"]
    moves = [{"partition": 2, "from": "n1", "to": "n3"}]

    def test_what_the_plan_said(self):
        moved_as_planned(self.before, ["n1", "n2", "n3", "n2"], self.moves)

    def test_a_move_that_was_not_made(self):
        with self.assertRaisesRegex(CheckFailed, r"1 positions .* \[2\]"):
            moved_as_planned(self.before, self.before, self.moves)

    def test_a_move_too_many(self):
        with self.assertRaisesRegex(CheckFailed, r"\[0\]"):
            moved_as_planned(self.before, ["n3", "n2", "n3", "n2"], self.moves)

    def test_a_move_to_another(self):
        with self.assertRaises(CheckFailed):
            moved_as_planned(self.before, ["n1", "n2", "n4", "n2"], self.moves)

    def test_a_move_from_whom_it_was_not(self):
        with self.assertRaisesRegex(CheckFailed, "n2 owned it"):
            moved_as_planned(["n1", "n2", "n2", "n2"], ["n1", "n2", "n3", "n2"], self.moves)


class TransfersTests(unittest.TestCase):
    def watched(self, *status):
        watch = Watch(None, [])
        for name, each in status:
            watch.saw(name, each)
        return watch

    def test_the_most_of_each_node_counts(self):
        # A node's numbers go back to zero when the change is through.
        watch = self.watched(("n4", told(3, 30)), ("n5", told(2, 20)), ("n4", told(5, 50, "budget")), ("n4", told(0, 0)))
        self.assertEqual((watch.total("partitions_done"), watch.total("bytes_done")), (7, 70))
        self.assertEqual(watch.waits, {"budget": 1})
        transfers_as_planned(watch, {"replica_moves": 7})

    def test_fewer_and_more_than_planned(self):
        watch = self.watched(("n4", told(7, 70)))
        for planned in (6, 8):
            with self.assertRaises(CheckFailed):
                transfers_as_planned(watch, {"replica_moves": planned})

    def test_records_that_were_skipped(self):
        with self.assertRaisesRegex(CheckFailed, "1 records"):
            transfers_as_planned(self.watched(("n4", told(7, 70, skipped=1))), {"replica_moves": 7})

    def test_a_watch_that_failed(self):
        watch = self.watched(("n4", told(7, 70)))
        watch.error = OSError("gone")
        with self.assertRaisesRegex(CheckFailed, "gone"):
            transfers_as_planned(watch, {"replica_moves": 7})

    def test_the_least_bytes(self):
        self.assertEqual(lower_bound_bytes({"bytes": 90, "replica_moves": 9, "replica_moves_lower_bound": 8}), 80)
        self.assertEqual(lower_bound_bytes({"bytes": 0, "replica_moves": 0, "replica_moves_lower_bound": 0}), 0)


class DiskTests(unittest.TestCase):
    def test_tables_and_the_rest(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            (path / "000001.sst").write_bytes(b"x" * 8192)
            (path / "db").mkdir()
            (path / "db" / "000002.log").write_bytes(b"x" * 4096)
            disk = Disk(path)
            self.assertGreaterEqual(disk.tables, 8192)
            self.assertGreaterEqual(disk.rest, 4096)
            self.assertEqual(disk.bytes, disk.tables + disk.rest)


class HeldTests(unittest.TestCase):
    def test_each_key_is_held_three_times_in_all(self):
        held = {"n1": 20, "n2": 20, "n3": 21}
        self.assertFalse(ring_checks.is_held(20, held, 3))
        self.assertTrue(ring_checks.is_held(20, {**held, "n3": 20}, 3))


if __name__ == "__main__":
    unittest.main()
