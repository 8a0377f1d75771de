#!/usr/bin/env python3
"""Tests the statistics, targets, tables, pictures and foreign load generators of cluster/bench-peers."""

import importlib.machinery
import importlib.util
import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from dataclasses import replace

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import peers_load  # noqa: E402
import peers_plot  # noqa: E402
import peers_report  # noqa: E402
from bench_systems import BenchError  # noqa: E402
from peers_report import Load, Target, grouped  # noqa: E402


def sample(subject, mix, rate, repetition=0, pipeline=1, share=None, p99=2.0, cpu=30.0, errors=0, distribution="uniform"):
    return {
        "subject": subject,
        "system": subject.partition(",")[0],
        **Load(mix, distribution, 100, pipeline, share, rate if share else None).fields,
        "repetition": repetition,
        "rate": rate,
        "latency_ms": {"p50": 0.5, "p99": p99, "p99.9": 3 * p99},
        "errors": errors,
        "cpu_us": cpu,
        "client_cpu_us": 8.0,
        "rss_bytes": {"n1": 100 << 20, "n2": 50 << 20},
    }


# The machine is half as fast in the second repetition, so only ratios within one mean anything.
SAMPLES = [
    sample("henge sync", "set", 20_000.0),
    sample("redis always", "set", 10_000.0),
    sample("henge sync", "set", 40_000.0, pipeline=16, cpu=25.0),
    sample("redis always", "set", 30_000.0, pipeline=16),
    sample("henge sync", "set", 10_000.0, 1),
    sample("redis always", "set", 5_000.0, 1, errors=3),
    sample("henge sync", "set", 20_000.0, 1, pipeline=16, cpu=29.0),
    sample("redis always", "set", 15_000.0, 1, pipeline=16),
    sample("henge sync", "set", 10_000.0, share=0.5, p99=1.5),
    sample("redis always", "set", 5_000.0, share=0.5, p99=1.0),
    sample("henge sync", "80:20", 50_000.0, distribution="zipfian"),
]

RESULT = {
    "machine": {
        "time": "2000-01-02T03:04+00:00",
        "cores": 2,
        "processor": "Quick",
        "kernel": "6.1",
        "redis": "7.0.15",
        "etcd": None,
        "commit": "abc",
        "load_average": 0.25,
    },
    "effort": {"repetitions": 2, "seconds": 1.2},
    "options": " --quick",
    "seconds": 99,
    "samples": SAMPLES,
}


class ReportTests(unittest.TestCase):
    def rows(self):
        return {row[0]: row[3:] for row in peers_report.target_rows(grouped(SAMPLES))}

    def test_ratios_are_within_a_repetition(self):
        rows = self.rows()
        first = rows["SET QUORUM, fsync : Redis SET+WAIT 1, always, -P 1"]
        self.assertEqual(first, ["2.00", "2.00 – 2.00", "aim reached"])

    def test_each_verdict(self):
        higher = Target("", 1.0, 1.3, peers_report.rate, ())
        self.assertEqual([higher.verdict(v) for v in (0.99, 1.0, 1.29, 1.3)], ["missed", "reached", "reached", "aim reached"])
        lower = replace(higher, reach=1.2, aim=0.8, is_least=False)
        self.assertEqual([lower.verdict(v) for v in (1.21, 1.2, 0.81, 0.8)], ["missed", "reached", "reached", "aim reached"])

    def test_a_figure_without_another_and_one_of_latency(self):
        rows = self.rows()
        self.assertEqual(
            rows["CPU µs of all three nodes for a SET QUORUM, -P 16"], ["27.0", "25.0 – 29.0", "reached"]
        )
        self.assertEqual(
            rows["p99 at 50 % of saturation, SET QUORUM : SET+WAIT 1, always"], ["1.50", "1.50 – 1.50", "missed"]
        )
        self.assertEqual(rows["GET QUORUM : PING, -P 1"], ["not measured", "", ""])

    def test_a_repetition_that_lacks_one_of_the_two_does_not_count(self):
        target = peers_report.TARGETS[0]
        self.assertEqual(peers_report.values_of(target, grouped(SAMPLES[:5])), [2.0])

    def test_the_targets_are_of_loads_that_are_measured(self):
        for target in peers_report.TARGETS:
            for key in filter(None, (target.above, target.below)):
                self.assertEqual((key[1].value_bytes, key[1].distribution), (100, "uniform"))
                self.assertIn(key[1].mix, peers_report.MIX_TITLES)

    def test_saturation_is_that_of_the_same_repetition(self):
        load = Load("set", "uniform", 100, 1)
        self.assertEqual(peers_report.rate_of(SAMPLES, "henge sync", load, 1), 10_000.0)
        self.assertRaises(KeyError, peers_report.rate_of, SAMPLES, "henge sync", load, 7)

    def test_text_has_all_tables_of_one_width_each(self):
        text = peers_report.text(RESULT)
        self.assertIn("`cluster/bench-peers --quick`, 2000-01-02", text)
        self.assertIn("Redis 7.0.15, commit abc", text)
        self.assertNotIn("etcd 3", text)
        self.assertIn("| henge sync | 15,000 ±33 % | 0.50 / 2.00 | 30.0 + 8.0 |", text)
        self.assertIn("| redis always | 7,500 ±33 % (3 errors) |", text)
        self.assertIn("| henge sync: writes | 10,000 | 0.50 / 1.50 / 4.50 |", text)
        self.assertIn("| henge sync, 100 B values | 150 MiB | 100 MiB, 50 MiB |", text)
        for part in text.split("\n\n"):
            widths = {line.count(" | ") for line in part.splitlines() if line.startswith("|")}
            self.assertLessEqual(len(widths), 1, part)

    def test_a_section_shows_the_pictures_beside_the_document(self):
        section = peers_report.section("report", [pathlib.Path("docs/peers-latency.svg")])
        self.assertEqual(section, "report\n\n![peers latency](peers-latency.svg)")


class PlotTests(unittest.TestCase):
    def texts(self, picture):
        root = xml.etree.ElementTree.fromstring(picture.svg)
        return ["".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text")]

    def test_a_bar_is_as_long_as_its_rate(self):
        picture = peers_plot.throughput(RESULT)
        root = xml.etree.ElementTree.fromstring(picture.svg)
        bars = [float(e.get("width")) for e in root.iter("{http://www.w3.org/2000/svg}rect")]
        # -P 1: 15,000 and 7,500; -P 16: 30,000 and 22,500.
        self.assertEqual(len(bars), 4)
        self.assertAlmostEqual(bars[0] / bars[1], 2, places=2)
        self.assertAlmostEqual(bars[2] / bars[3], 30 / 22.5, places=2)
        self.assertIn("15,000", self.texts(picture))

    def test_lines_of_latency_name_their_systems(self):
        texts = self.texts(peers_plot.latency(RESULT))
        self.assertIn("henge sync", texts)
        self.assertIn("redis always", texts)

    def test_axes_are_logarithmic_and_hold_all_points(self):
        axes = peers_plot.Axes([1_000, 10_000], [1.0, 100.0])
        (x1, _), (x2, _), (x3, _) = axes.place(1_000, 1), axes.place(3_000, 1), axes.place(9_000, 1)
        self.assertAlmostEqual(x2 - x1, x3 - x2)
        for x, y in ((1_000, 1), (10_000, 100)):
            at_x, at_y = axes.place(x, y)
            self.assertTrue(axes.left <= at_x <= axes.right and axes.top <= at_y <= axes.bottom)

    def test_round_numbers_above(self):
        self.assertEqual([peers_plot.ceiling(v) for v in (0, 1, 1.2, 7, 61_000, 99)], [1, 1, 1.5, 8, 80_000, 100])

    def test_nothing_measured_is_no_error(self):
        for picture in (peers_plot.throughput({"samples": []}), peers_plot.latency({"samples": []})):
            xml.etree.ElementTree.fromstring(picture.svg)

    def test_pictures_are_files_that_follow_light_and_dark(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = peers_plot.write(RESULT, pathlib.Path(folder))
            self.assertEqual([p.name for p in paths], ["peers-throughput.svg", "peers-latency.svg"])
            for path in paths:
                self.assertIn("prefers-color-scheme: dark", path.read_text())


def script():
    """cluster/bench-peers as a module."""
    path = pathlib.Path(__file__).resolve().parent / "bench-peers"
    loader = importlib.machinery.SourceFileLoader("bench_peers", str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    sys.modules[loader.name] = module
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


class FakeClient:
    """Remembers which loads were put on which system."""

    def __init__(self):
        self.calls = []

    def fill(self, system, keys, value_bytes, *arguments):
        self.calls.append((system.name, "fill", value_bytes))

    def run(self, system, *arguments, seconds):
        words = dict(zip(arguments, arguments[1:]))
        self.calls.append((system.name, words["--mix"], int(words["--pipeline"]), float(words.get("--rate", 0))))
        return {
            "rate": 1000.0,
            "latency_ms": {"p99": 1.0},
            "operations": 10,
            "errors": 0,
            "errors_by_code": {},
            "misses": 0,
        }


class FakeTheft:
    """The shares that the host takes during the next measurements, then none."""

    MAX = 0.02
    shares = []

    def __init__(self):
        self.share = FakeTheft.shares.pop(0) if FakeTheft.shares else 0.0


class FakeSystem:
    def __init__(self, name):
        self.name = name
        self.processes = {}


class PlanTests(unittest.TestCase):
    def setUp(self):
        self.peers = script()
        self.peers.say = lambda text: None
        self.peers.rest = lambda systems: None
        self.peers.Theft = FakeTheft
        self.effort = replace(self.peers.QUICK, repetitions=2)

    def test_systems_take_turns_within_each_load(self):
        subjects = [self.peers.Subject("a", FakeSystem("a")), self.peers.Subject("b", FakeSystem("b"), ("set", "80:20"))]
        client = FakeClient()
        run = self.peers.Peers(client, subjects, self.effort)
        run.run()
        # Each measurement has a warm-up of the same load before it.
        calls = [call for call in client.calls if call[1] != "fill"]
        self.assertEqual(calls[::2], calls[1::2])
        half = len(calls) // 2
        self.assertEqual(
            [call[:3] for call in calls[:half:2]][:5],
            [("a", "set", 1), ("b", "set", 1), ("a", "set", 16), ("b", "set", 16), ("a", "get", 1)],
        )
        self.assertEqual(calls[:half], calls[half:])
        # Then at parts of what each did, in turn.
        self.assertEqual(
            [call for call in calls[:half:2] if call[3]],
            [(name, "set", 1, rate) for rate in (250.0, 500.0, 750.0) for name in ("a", "b")],
        )
        self.assertEqual(run.done, run.total)
        self.assertEqual(len(run.samples), run.total)

    def test_what_the_host_spoils_is_measured_again(self):
        run = self.peers.Peers(FakeClient(), [self.peers.Subject("a", FakeSystem("a"), ("set",))], self.effort)
        for shares, count, kept in (([0.01], 1, 0.01), ([0.5, 0.0], 2, 0.0), ([0.5, 0.2, 0.3, 0.0], 3, 0.2)):
            FakeTheft.shares = list(shares)
            run.measure(run.subjects[0], Load("set", "uniform", 100, 1), 0, 1.0)
            self.assertEqual(len(shares) - len(FakeTheft.shares), count)
            self.assertEqual(run.samples[-1]["stolen"], kept)
        FakeTheft.shares = []
        self.assertIn("During 1 of 3 measurements the host took more than 2%", peers_report.disturbance(run.samples))
        self.assertEqual(peers_report.disturbance(run.samples[:2]), "")

    def test_etcd_is_asked_for_one_key_only(self):
        effort = self.peers.FULL
        etcd = self.peers.EtcdSubject("etcd", FakeSystem("etcd"))
        self.assertEqual({load.distribution for load in etcd.loads(effort)}, {"uniform"})
        other = self.peers.Subject("a", FakeSystem("a"))
        self.assertEqual(len(list(other.loads(effort))), 2 * len(list(etcd.loads(effort))))
        self.assertEqual(len(set(other.loads(effort))), 2 * 2 * 3 * 2)

    def test_only_writes_wait_for_replicas(self):
        subject = self.peers.Subject("a", FakeSystem("a"), writes=["--after-write", "WAIT 1 2000"])
        for mix, waits in (("set", True), ("get", False), ("80:20", True)):
            seen = []
            client = FakeClient()
            client.run = lambda system, *arguments, seconds: seen.extend(arguments)
            subject.run(client, Load(mix, "uniform", 100, 1), 1, 1)
            self.assertEqual("WAIT 1 2000" in seen, waits)


H2LOAD = """
finished in 2.01s, 876.50 req/s, 79.60KB/s
requests: 1010 total, 1010 started, 1000 done, 1000 succeeded, 0 failed, {errored} errored, 0 timeout
"""


class LoadTests(unittest.TestCase):
    def test_protobuf_lengths_are_varints(self):
        self.assertEqual([peers_load.varint(n) for n in (0, 127, 128, 300)], [b"\0", b"\x7f", b"\x80\x01", b"\xac\x02"])
        self.assertEqual(peers_load.message(b"k", b"vv"), b"\x0a\x01k\x12\x02vv")
        self.assertEqual(peers_load.grpc_frame(b"abc"), b"\0\0\0\0\x03abc")

    def test_the_value_of_a_mix_ends_a_range_behind_its_key(self):
        body = peers_load.etcd_body("80:20", 100)
        key, value = b"key:000000000001", b"key:000000000001" + b"!" * 84
        self.assertEqual(body[5:], peers_load.message(key, value))
        self.assertEqual(len(value), 100)
        self.assertTrue(key < value < b"key:000000000002")

    def test_four_reads_and_a_write(self):
        paths = peers_load.etcd_paths("80:20")
        self.assertEqual([path.rsplit("/", 1)[1] for path in paths], ["Range"] * 4 + ["Put"])

    def test_what_h2load_says(self):
        rows = [["0", "200", "1000"]] * 98 + [["0", "200", "5000"]] * 2 + [["0", "500", "9"]]
        found = peers_load.h2load_report(H2LOAD.format(errored=0), rows, Load("set", "uniform", 100, 1), 2, 1000)
        self.assertEqual((found["operations"], found["rate"], found["errors"]), (1000, 500.0, 0))
        self.assertEqual((found["latency_ms"]["p50"], found["latency_ms"]["p99"]), (1.0, 5.0))
        failed = peers_load.h2load_report(H2LOAD.format(errored=7), rows, Load("set", "uniform", 100, 1), 2, 1000)
        self.assertEqual(failed["errors_by_code"]["FAILED"]["count"], 7)

    def test_grpc_errors_that_h2load_takes_for_success_are_found(self):
        load = Load("set", "uniform", 100, 1)
        with self.assertRaisesRegex(BenchError, "etcd counts 100 writes"):
            peers_load.h2load_report(H2LOAD.format(errored=0), [], load, 2, 100)
        # A fifth of them are writes.
        mixed = replace(load, mix="80:20")
        peers_load.h2load_report(H2LOAD.format(errored=0), [["0", "200", "1"]], mixed, 2, 200)
        self.assertRaises(BenchError, peers_load.h2load_report, "", [], load, 2, 100)

    def test_a_stall_counts_for_all_that_it_kept_back(self):
        self.assertEqual(sorted(peers_load.corrected([100, 1_000, 5_500], 1_000)), [100, 1_000, 1_500, 2_500, 3_500, 4_500, 5_500])

    def test_what_wrk_says(self):
        found = peers_load.wrk_report("  Latency ...\n\nDONE 5000 2000000 3 700 2500 9000\n")
        self.assertEqual((found["operations"], found["errors"], found["rate"]), (4997, 3, 2498.5))
        self.assertEqual(found["latency_ms"], {"p50": 0.7, "p99": 2.5, "max": 9.0})
        self.assertRaises(BenchError, peers_load.wrk_report, "Requests/sec: 1")

    def test_wrk_asks_for_what_it_should(self):
        script = peers_load.wrk_script("PUT", "/buckets/web/keys", 4, 3)
        self.assertIn('"PUT", "/buckets/web/keys", "xxxx", 100000', script)
        self.assertNotIn("xxxx", peers_load.wrk_script("GET", "/buckets/web/keys", 4, 3))


if __name__ == "__main__":
    unittest.main()
