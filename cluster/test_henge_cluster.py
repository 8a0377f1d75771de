#!/usr/bin/env python3
"""Tests henge_cluster with stand-ins for henge that serve, fail, hang, or won't stop."""

import pathlib
import signal
import socket
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import henge_cluster  # noqa: E402
from henge_cluster import Cluster, ClusterError, DeadlineError, free_ports, wait_until  # noqa: E402

SERVES = 'trap "exit 0" TERM\necho "$@"\necho "ready resp=$6"\nwhile :; do sleep 0.05; done\n'
FAILS = 'echo "error: the data directory is of another node"\nexit 1\n'
HANGS = "exec sleep 60\n"
STUBBORN = 'trap "" TERM\necho ready\nwhile :; do sleep 0.05; done\n'


class HengeClusterTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def binary(self, script):
        path = self.folder / "henge"
        path.write_text("#!/bin/bash\n" + script)
        path.chmod(0o755)
        return path

    def cluster(self, script, nodes=1):
        cluster = Cluster(nodes=nodes, binary=self.binary(script))
        self.addCleanup(cluster.close)
        return cluster

    def test_free_ports_differ_and_can_be_listened_on(self):
        ports = free_ports(30)
        self.assertEqual(len(set(ports)), 30)
        for port in ports:
            with socket.socket() as listener:
                listener.bind((henge_cluster.HOST, port))

    def test_free_ports_are_not_those_in_use(self):
        with socket.socket() as busy:
            busy.bind((henge_cluster.HOST, free_ports(1)[0]))
            busy.listen()
            self.assertNotIn(busy.getsockname()[1], free_ports(100))

    def test_wait_until_returns_the_value(self):
        values = iter([None, 0, "", 7])
        self.assertEqual(wait_until(lambda: next(values), 5, "a number"), 7)

    def test_wait_until_bears_exceptions_and_names_the_last(self):
        def refuse():
            raise ConnectionError("refused")

        with self.assertRaisesRegex(DeadlineError, "n1 answers .*ConnectionError: refused"):
            wait_until(refuse, 0.05, "n1 answers")

    def test_start_gives_each_node_its_addresses_and_the_bootstrap_list(self):
        cluster = self.cluster(SERVES, nodes=3)
        cluster.start()
        self.assertTrue(all(node.alive for node in cluster.nodes))
        n2 = cluster.node("n2")
        first = n2.log.read_text().splitlines()[0]
        self.assertEqual(
            first,
            f"serve --name n2 --data {n2.data} --resp 127.0.0.1:{n2.resp} --http 127.0.0.1:{n2.http} "
            f"--peer 127.0.0.1:{n2.peer} --bootstrap {cluster.bootstrap}",
        )
        self.assertEqual(cluster.bootstrap.count("127.0.0.1:"), 3)

    def test_nodes_may_have_places_of_their_own(self):
        script = 'echo "$PLACE: $@"\n' + SERVES
        sites = [("127.0.0.2", ["env", "PLACE=here"]), ("127.0.0.3", ["env", "PLACE=there"])]
        cluster = Cluster(nodes=2, binary=self.binary(script), sites=sites)
        self.addCleanup(cluster.close)
        cluster.start()
        n1, n2 = cluster.nodes
        self.assertEqual(cluster.bootstrap, f"n1=127.0.0.2:{n1.peer},n2=127.0.0.3:{n2.peer}")
        self.assertRegex(n2.log.read_text(), f"^there: serve --name n2 .* --resp 127.0.0.3:{n2.resp} ")
        self.assertEqual(n1.address, f"127.0.0.2:{n1.resp}")

    def test_stop_gives_the_exit_status_and_start_brings_the_node_back(self):
        cluster = self.cluster(SERVES)
        cluster.start()
        node = cluster.nodes[0]
        self.assertEqual(node.stop(), 0)
        self.assertFalse(node.alive)
        self.assertEqual(len(cluster.dead()), 1)
        cluster.start()
        self.assertTrue(node.alive)
        self.assertEqual((node.starts, cluster.dead()), (2, []))

    def test_kill_is_minus_nine(self):
        cluster = self.cluster(SERVES)
        cluster.start()
        cluster.nodes[0].kill()
        self.assertEqual(cluster.nodes[0].process.returncode, -signal.SIGKILL)

    def test_a_node_that_ends_tells_why(self):
        with self.assertRaisesRegex(ClusterError, "(?s)n1 ended with 1 before .*data directory is of another node"):
            self.cluster(FAILS).start()

    def test_a_silent_node_is_given_up(self):
        cluster = self.cluster(HANGS)
        node = cluster.nodes[0]
        node.launch()
        with self.assertRaisesRegex(ClusterError, "not within 0.1 s: n1 ready"):
            node.wait_ready(seconds=0.1)

    def test_a_stubborn_node_is_killed(self):
        cluster = self.cluster(STUBBORN)
        cluster.start()
        with self.assertRaises(DeadlineError):
            cluster.nodes[0].stop(seconds=0.2)
        self.assertFalse(cluster.nodes[0].alive)

    def test_close_ends_processes_and_removes_the_directory(self):
        cluster = self.cluster(SERVES, nodes=2)
        cluster.start()
        cluster.close()
        self.assertFalse(any(node.alive for node in cluster.nodes))
        self.assertFalse(cluster.directory.exists())


if __name__ == "__main__":
    unittest.main()
