#!/usr/bin/env python3
"""Tests that cluster/chaos does to processes what its plan says, with stand-ins for henge, and sees those that fall."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from chaos_faults import Faults  # noqa: E402
from chaos_plan import CLIENTS, Fault  # noqa: E402
from henge_cluster import Cluster, ClusterError, wait_until  # noqa: E402

SERVES = 'trap "exit 0" TERM\necho "ready resp=$6"\nwhile :; do sleep 0.02; done\n'
STOPS_BADLY = 'trap "exit 7" TERM\necho "ready resp=$6"\nwhile :; do sleep 0.02; done\n'
FALLS = 'echo "ready resp=$6"\nsleep 0.2\nexit 9\n'


class Network:
    def __init__(self):
        self.drops = []

    def drop(self, pairs):
        self.drops.append(set(pairs))


class FaultsTests(unittest.TestCase):
    def setUp(self):
        self.lines = []
        self.network = Network()

    def faults(self, script):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        binary = pathlib.Path(folder.name) / "henge"
        binary.write_text("#!/bin/bash\n" + script)
        binary.chmod(0o755)
        cluster = Cluster(nodes=3, binary=binary)
        self.addCleanup(cluster.close)
        cluster.start()
        faults = Faults(cluster, self.lines.append, self.network)
        self.addCleanup(faults.release)
        return faults

    def run_plan(self, script, *plan, seconds=1.5):
        faults = self.faults(script)
        faults.run(plan, seconds)
        faults.heal()
        return faults

    def test_kill_stop_and_flap_bring_the_node_back(self):
        faults = self.run_plan(
            SERVES,
            Fault(0.0, "kill", ("n1",), 0.1),
            Fault(0.5, "stop", ("n2",), 0.1),
            Fault(1.0, "flap", ("n3",), 0.1, pause=0.05),
            seconds=2.0,
        )
        self.assertEqual([node.starts for node in faults.cluster.nodes], [2, 2, 3])
        self.assertTrue(all(node.alive for node in faults.cluster.nodes))
        self.assertEqual(faults.complaints, [])
        self.assertEqual(len(faults.carried_out), 3)

    def test_freeze_stops_the_process_and_lets_it_go_on(self):
        faults = self.faults(SERVES)
        node = faults.cluster.nodes[0]

        def state():
            return pathlib.Path(f"/proc/{node.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]

        fault = Fault(0.0, "freeze", ("n1",), 60.0)
        faults.run([fault], 0.1)
        wait_until(lambda: state() == "T", 5, "the process is stopped")
        faults.heal()
        wait_until(lambda: state() != "T", 5, "the process goes on")
        self.assertEqual([name for _, name, _, _ in faults.freezes], ["n1"])
        self.assertEqual(faults.open, {})

    def test_links_are_cut_and_mended_also_when_the_end_comes_first(self):
        self.run_plan(
            SERVES, Fault(0.0, "one-way", ("n1", "n2"), 0.1), Fault(0.05, "unplug", ("n3",), 60.0), seconds=0.5
        )
        self.assertEqual(self.network.drops[0], {("n1", "n2")})
        self.assertIn((CLIENTS, "n3"), self.network.drops[1])
        self.assertIn(("n1", "n2"), self.network.drops[1])
        self.assertNotIn(("n1", "n2"), self.network.drops[2])
        self.assertEqual(self.network.drops[-1], set())

    def test_a_third_fault_at_once_and_a_second_on_a_node_are_left_out(self):
        faults = self.run_plan(
            SERVES,
            Fault(0.0, "freeze", ("n1",), 0.5),
            Fault(0.1, "freeze", ("n1",), 0.5),
            Fault(0.2, "freeze", ("n2",), 0.2),
            Fault(0.3, "freeze", ("n3",), 0.1),
            seconds=0.8,
        )
        self.assertEqual([fault.nodes for fault in faults.carried_out], [("n1",), ("n2",)])
        self.assertEqual(sum("left out" in line for line in self.lines), 2)

    def test_a_majority_is_gone_with_the_second_node(self):
        faults = self.run_plan(
            SERVES, Fault(0.0, "freeze", ("n1",), 0.3), Fault(0.1, "freeze", ("n2",), 0.1), seconds=0.5
        )
        self.assertEqual([truth for _, truth in faults.connectivity], [True, True, False, True, True])

    def test_a_node_that_stops_badly_is_a_complaint(self):
        faults = self.run_plan(STOPS_BADLY, Fault(0.0, "stop", ("n1",), 0.1), seconds=0.5)
        self.assertIn("n1 ended with 7 on SIGTERM", faults.complaints[0])

    def test_a_node_that_falls_by_itself_ends_the_run(self):
        with self.assertRaisesRegex(ClusterError, "ended with 9, and nobody had ended it"):
            self.run_plan(FALLS, seconds=5.0)


if __name__ == "__main__":
    unittest.main()
