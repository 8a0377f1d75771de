#!/usr/bin/env python3
"""Tests the statistics and tables of cluster/bench."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import bench_report  # noqa: E402
from bench_report import Case, Ratios, grouped, spread, summary  # noqa: E402


def sample(system, operation, level, rate, repetition=0, pipeline=1, value_bytes=100, errors=0):
    return {
        "system": system,
        **Case(operation, level, value_bytes, pipeline).fields,
        "repetition": repetition,
        "rate": rate,
        "latency_ms": {"p50": 0.5, "p99": 12.345},
        "errors": errors,
        "cpu_us": 30.0,
        "client_cpu_us": 10.0,
        "rss_bytes": {"n1": 100 << 20, "n2": 50 << 20},
    }


# The machine is half as fast in the second repetition, twice as fast in the third.
SAMPLES = [
    sample("henge sync", "PING", "", 100_000.0, 0),
    sample("henge sync", "SET", "QUORUM", 20_000.0, 0),
    sample("henge sync", "GET", "ONE", 40_000.0, 0, errors=2),
    sample("redis always", "SET", "WAIT 1", 10_000.0, 0),
    sample("henge sync", "PING", "", 50_000.0, 1),
    sample("henge sync", "SET", "QUORUM", 10_000.0, 1),
    sample("henge sync", "PING", "", 200_000.0, 2),
    sample("henge sync", "SET", "QUORUM", 40_000.0, 2),
    sample("henge sync", "SET", "QUORUM", 200_000.0, 0, pipeline=16),
]

RESULT = {
    "machine": {
        "time": "2000-01-02T03:04+00:00",
        "cores": 2,
        "processor": "Quick",
        "kernel": "6.1",
        "redis": "7.0.15",
        "commit": None,
        "load_average": 0.25,
    },
    "effort": {"repetitions": 3, "seconds": 2.5},
    "samples": SAMPLES,
    "memory": {
        "keys": 1_000_000,
        "value_bytes": 100,
        "rss_empty_bytes": {"n1": 20 << 20},
        "rss_filled_bytes": {"n1": 300 << 20},
        "rss_read_bytes": {"n1": 601 << 20},
        "rss_peak_bytes": {"n1": 620 << 20},
    },
}


class BenchReportTests(unittest.TestCase):
    def test_spread_is_half_the_range_as_a_part_of_the_median(self):
        self.assertEqual(spread([10.0]), 0)
        self.assertEqual(spread([8.0, 10.0, 14.0]), 0.3)
        self.assertEqual(spread([0.0, 0.0]), 0)

    def test_ratios_are_within_a_repetition(self):
        ratios = Ratios(SAMPLES)
        sets = grouped(SAMPLES)[("henge sync", Case("SET", "QUORUM", 100, 1))]
        self.assertEqual([ratios.of(s) for s in sets], [0.2, 0.2, 0.2])
        self.assertEqual(ratios.median(sets), 0.2)
        self.assertIsNone(ratios.of(sample("henge sync", "SET", "ONE", 1.0, repetition=9)))

    def test_another_systems_ping_is_not_the_measure(self):
        samples = [sample("redis everysec", "PING", "", 1.0), *SAMPLES]
        self.assertEqual(Ratios(samples).system, "redis everysec")
        self.assertEqual(Ratios([*SAMPLES, samples[0]]).of(SAMPLES[1]), 0.2)

    def test_summary_takes_medians_and_adds_errors(self):
        found = summary([SAMPLES[1], SAMPLES[5], SAMPLES[7]], Ratios(SAMPLES))
        self.assertEqual((found["rate"], found["ratio"], found["errors"]), (20_000.0, 0.2, 0))
        self.assertEqual(found["spread"], 0.75)

    def test_goals_are_told_as_reached_or_not(self):
        lines = bench_report.verdicts(RESULT)
        self.assertEqual(len(lines), 3)
        self.assertRegex(lines[0], r"GET ONE .* is 0\.40 of PING, at least 0\.5 .*: NOT reached$")
        self.assertRegex(lines[1], r"SET QUORUM .* is 0\.20 .*: reached$")
        self.assertRegex(lines[2], r"1,000,000 keys .* 601 MiB .*: NOT reached$")

    def test_text_has_a_row_for_each_case_and_tells_of_errors(self):
        text = bench_report.text(RESULT)
        self.assertIn("| henge sync: SET QUORUM | 20,000 ±75 % | 0.20 | 0.50 / 12.3 | 30.0 + 10.0 | 200,000 ±0 % |", text)
        self.assertIn("| henge sync: GET ONE | 40,000 ±0 % (2 errors) |", text)
        self.assertIn("n1 100 MiB, n2 50 MiB", text)
        rows = [line for line in text.splitlines() if line.startswith("| henge") or line.startswith("| redis")]
        speeds = [row for row in rows if "RSS" not in row and "±" in row]
        self.assertEqual([row.split(" | ")[0][2:] for row in speeds][:3], [
            "henge sync: PING", "henge sync: SET QUORUM", "henge sync: GET ONE",
        ])
        widths = {line.count("|") for line in text.splitlines() if line in speeds}
        self.assertEqual(len(widths), 1)

    def test_text_of_memory_alone(self):
        text = bench_report.text({**RESULT, "samples": []})
        self.assertIn("| n1 | 20 MiB | 300 MiB | 601 MiB | 620 MiB |", text)

    def test_writing_replaces_what_stood_between_the_marks(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "performance.md"
            self.assertFalse(bench_report.has_marks(path))
            path.write_text(f"before\n{bench_report.BEGIN}\nold\n{bench_report.END}\nafter\n")
            self.assertTrue(bench_report.has_marks(path))
            for section in ("new", "newer"):
                bench_report.write_between_marks(path, section)
            expected = f"before\n{bench_report.BEGIN}\nnewer\n{bench_report.END}\nafter\n"
            self.assertEqual(path.read_text(), expected)


if __name__ == "__main__":
    unittest.main()
