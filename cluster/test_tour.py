#!/usr/bin/env python3
"""Tests where the tour expects keys: `python3 cluster/test_tour.py`."""

import unittest

from tour_base import Replicas


class ReplicasTests(unittest.TestCase):
    def test_slots_are_those_of_redis_cluster(self):
        # CLUSTER KEYSLOT of Redis 7 says foo 12182, bar 5061, hello 866.
        ring = {"replicas": 1, "owners": [f"n{position}" for position in range(16384)]}
        replicas = Replicas(ring)
        self.assertEqual([replicas.of(key) for key in ("foo", "bar", "hello")], [["n12182"], ["n5061"], ["n866"]])

    def test_a_list_walks_to_the_first_distinct_nodes_and_around(self):
        # foo is in slot 12182, so in the third of four quarters: n1, n1 again, then n2 and n3 at the ring's begin.
        replicas = Replicas({"replicas": 3, "owners": ["n2", "n3", "n1", "n1"]})
        self.assertEqual(replicas.of("foo"), ["n1", "n2", "n3"])

    def test_fewer_nodes_than_replicas_hold_everything(self):
        replicas = Replicas({"replicas": 3, "owners": ["n1", "n2"] * 8})
        self.assertEqual(sorted(replicas.of("foo")), ["n1", "n2"])

    def test_keys_are_those_that_the_node_holds(self):
        replicas = Replicas({"replicas": 2, "owners": ["n1", "n2", "n3", "n4"] * 4})
        keys = replicas.keys("key", 50, {"name": "n3"})
        self.assertEqual(len(set(keys)), 50)
        self.assertTrue(all("n3" in replicas.of(key) for key in keys))
        self.assertNotEqual(keys, [f"key:{index}" for index in range(50)])


if __name__ == "__main__":
    unittest.main()
