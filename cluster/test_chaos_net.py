#!/usr/bin/env python3
"""Tests which commands cluster/chaos gives to cut and mend links, and when it says that it cannot."""

import os
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import chaos_net  # noqa: E402
from chaos_plan import CLIENTS  # noqa: E402


class NetworkTests(unittest.TestCase):
    def setUp(self):
        self.network = chaos_net.Network(3)
        self.calls = []
        self.network.inside = lambda place, *_, stdin=None: self.calls.append((place, stdin))

    def drop(self, *pairs):
        self.calls.clear()
        self.network.drop(set(pairs))
        return self.calls

    def test_packets_are_dropped_where_they_arrive(self):
        ((place, rules),) = self.drop(("n1", "n2"))
        self.assertEqual(place, "n2")
        self.assertEqual(
            rules, "flush set inet chaos blocked\nadd element inet chaos blocked { 10.77.0.1 }\n"
        )

    def test_only_what_changes_is_told(self):
        self.drop(("n1", "n2"), (CLIENTS, "n3"))
        ((place, rules),) = self.drop(("n1", "n2"), ("n2", "n3"), (CLIENTS, "n3"))
        self.assertEqual(place, "n3")
        self.assertIn("{ 10.77.0.2, 10.77.0.254 }", rules)
        self.assertEqual(self.drop(("n1", "n2"), ("n2", "n3"), (CLIENTS, "n3")), [])

    def test_mending_empties_the_sets(self):
        self.drop(("n1", "n2"), ("n2", "n1"), ("n3", CLIENTS))
        self.assertEqual(
            self.drop(), [(place, "flush set inet chaos blocked\n") for place in ("n1", "n2", CLIENTS)]
        )

    def test_dropped_packets_are_counted_everywhere(self):
        listing = "chain arriving {\n ip saddr @blocked counter packets 7 bytes 420 drop\n }"
        self.network.inside = lambda *_: listing
        self.assertEqual(self.network.dropped(), 4 * 7)


class EnterTests(unittest.TestCase):
    def path(self, **programs):
        """An environment in which only these programs exist, as shell scripts."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name, script in programs.items():
            path = pathlib.Path(folder.name) / name
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)
        return {"PATH": folder.name}

    def fails(self, environment):
        which = chaos_net.shutil.which
        only = environment["PATH"]
        with mock.patch.dict(os.environ, environment), mock.patch.object(
            chaos_net.shutil, "which", lambda tool: which(tool, path=only)
        ), self.assertRaises(chaos_net.Unavailable) as caught:
            chaos_net.enter()
        return str(caught.exception)

    def test_a_missing_program_is_named(self):
        self.assertIn("nft, nsenter is missing", self.fails(self.path(ip="", unshare="")))

    def test_a_system_without_namespaces_says_why(self):
        no = 'echo "unshare: unshare failed: Operation not permitted" >&2; exit 1'
        reason = self.fails(self.path(ip="", nft="", nsenter="", unshare=no))
        self.assertIn("no network namespaces here", reason)
        self.assertIn("Operation not permitted", reason)

    def test_a_kernel_without_nftables_says_why(self):
        environment = self.path(ip="exit 0", nft='echo "Error: netlink: Protocol not supported" >&2; exit 1',
                                nsenter="", unshare="")
        self.assertIn("Protocol not supported", self.fails({**environment, chaos_net.INSIDE: "1"}))


if __name__ == "__main__":
    unittest.main()
