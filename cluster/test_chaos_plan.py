#!/usr/bin/env python3
"""Tests the plans of cluster/chaos and what it concludes from times."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from chaos_plan import (  # noqa: E402
    CLIENTS,
    NET_KINDS,
    PROCESS_KINDS,
    Fault,
    intervals,
    longest_gap,
    majority_is_up,
    make_plan,
)

NODES = ["n1", "n2", "n3"]


class PlanTests(unittest.TestCase):
    def test_a_seed_decides_the_plan(self):
        self.assertEqual(make_plan(7, NODES, 300), make_plan(7, NODES, 300))
        self.assertNotEqual(make_plan(7, NODES, 300), make_plan(8, NODES, 300))

    def test_every_kind_happens_and_at_most_two_at_once_on_different_nodes(self):
        for kinds in (PROCESS_KINDS, NET_KINDS):
            seen = set()
            for seed in range(100):
                plan = make_plan(seed, NODES, 120, kinds)
                self.assertEqual(plan, sorted(plan, key=lambda fault: fault.at))
                seen |= {fault.kind for fault in plan}
                for fault in plan:
                    self.assertLessEqual(fault.at + fault.seconds, 121.0)
                    together = [x for x in plan if x.at <= fault.at < x.at + x.seconds]
                    self.assertLessEqual(len(together), 2, (seed, fault))
                    self.assertEqual(len({x.victims for x in together}), len(together), (seed, fault))
            self.assertEqual(seen, set(kinds))

    def test_freezes_last_one_to_fifteen_seconds(self):
        freezes = [f.seconds for seed in range(50) for f in make_plan(seed, NODES, 600) if f.kind == "freeze"]
        self.assertGreater(max(freezes), 10.0)
        self.assertGreaterEqual(min(freezes), 0.3)
        self.assertLessEqual(max(freezes), 15.0)

    def test_a_short_run_has_a_fault_too(self):
        self.assertTrue(all(make_plan(seed, NODES, 5) for seed in range(50)))

    def test_faults_read_well(self):
        self.assertEqual(str(Fault(1, "freeze", ("n2",), 4.0)), "freeze n2 (SIGSTOP) for 4.0 s")
        self.assertEqual(str(Fault(1, "cut", ("n1", "n3"), 4.0)), "cut n1 from n3, both ways, for 4.0 s")
        self.assertEqual(str(Fault(1, "one-way", ("n1", "n3"), 4.0)), "drop what n1 sends to n3 for 4.0 s")

    def test_drops(self):
        def drops(kind, *nodes):
            return Fault(1, kind, nodes, 1.0).drops(NODES)

        self.assertEqual(drops("kill", "n1"), set())
        self.assertEqual(drops("one-way", "n1", "n2"), {("n1", "n2")})
        self.assertEqual(drops("cut", "n1", "n2"), {("n1", "n2"), ("n2", "n1")})
        apart = {("n1", "n2"), ("n2", "n1"), ("n1", "n3"), ("n3", "n1")}
        self.assertEqual(drops("isolate", "n1"), apart)
        self.assertEqual(drops("unplug", "n1"), apart | {("n1", CLIENTS), (CLIENTS, "n1")})


class MajorityTests(unittest.TestCase):
    def up(self, names, drops=(), nodes=NODES):
        return majority_is_up(nodes, set(names), set(drops))

    def test_counts_nodes(self):
        self.assertTrue(self.up(NODES))
        self.assertTrue(self.up(["n1", "n2"]))
        self.assertFalse(self.up(["n1"]))
        self.assertFalse(self.up(["n1", "n2"], nodes=["n1", "n2", "n3", "n4"]))

    def test_a_link_that_is_cut_one_way_parts_two_nodes(self):
        self.assertTrue(self.up(NODES, [("n1", "n2")]))
        self.assertFalse(self.up(["n1", "n2"], [("n1", "n2")]))
        self.assertFalse(self.up(NODES, [("n1", "n2"), ("n3", "n1"), ("n2", "n3")]))

    def test_clients_must_reach_it(self):
        self.assertFalse(self.up(["n1", "n2"], [(CLIENTS, "n2")]))


class TimeTests(unittest.TestCase):
    def test_intervals(self):
        states = [(0, True), (1, True), (2, False), (3, False), (5, True)]
        self.assertEqual(intervals(states, 9), [(0, 2), (5, 9)])
        self.assertEqual(intervals([(0, False)], 9), [])

    def test_longest_gap_counts_inside_stretches_only(self):
        self.assertEqual(longest_gap([1, 2, 7], [(0, 3), (6, 8)]), (1, 0))
        self.assertEqual(longest_gap([1, 2, 7], [(0, 9)]), (5, 2))
        self.assertEqual(longest_gap([], [(4, 9)]), (5, 4))
        self.assertEqual(longest_gap([1], []), (0.0, 0.0))


if __name__ == "__main__":
    unittest.main()
