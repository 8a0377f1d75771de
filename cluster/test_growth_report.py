#!/usr/bin/env python3
"""Tests the tables of cluster/bench-growth."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import growth_report  # noqa: E402


def sample(mix, rate, cpu, errors=0):
    return {"mix": mix, "rate": rate, "latency_ms": {"p99": 1.25}, "errors": errors, "cpu_us": cpu}


def point(axis, value, cpu=30.0, errors=0):
    rss = {"n1": 100 << 20, "n2": 200 << 20}
    samples = [sample("get", 1000.0 * n, cpu + n, errors) for n in (1, 2, 3)] + [sample("set", 500.0, 70.0)]
    return {"axis": axis, "value": value, "samples": samples, "memory": {"empty": rss, "filled": rss, "after": rss}}


RESULT = {
    "machine": {"time": "2000-01-02T03:04", "cores": 2, "processor": "Quick", "kernel": "6", "commit": None, "load_average": 0.2},
    "effort": {"repetitions": 3, "seconds": 1.5},
    "quick": False,
    "seconds": 77,
    "points": [point("values", 1024), point("values", 10), point("keys", 1_000_000, 40.0, 2)],
}


class GrowthReportTests(unittest.TestCase):
    def test_costs_are_medians_of_one_kind_of_request(self):
        self.assertEqual(growth_report.cost(RESULT["points"][0], "get"), 32.0)
        self.assertEqual(growth_report.cost(RESULT["points"][0], "set"), 70.0)

    def test_a_table_for_each_axis_with_errors_and_the_mean_of_memory(self):
        text = growth_report.text(RESULT)
        self.assertIn("| 1 KiB | 2,000 | 1.25 | 32.0 | 500 | 1.25 | 70.0 | 150 MiB | 150 MiB | 150 MiB |", text)
        self.assertIn("| 10 B | 2,000 |", text)
        self.assertIn("| 1,000,000 | 2,000 (6 errors) | 1.25 | 42.0 |", text)
        self.assertEqual(len(text.split("\n\n")), 3)
        self.assertTrue(text.startswith("`cluster/bench-growth`, 2000-01-02, 2 cores (Quick), Linux 6; load"))

    def test_who_coordinates_beside_the_paper_without_disturbed_runs(self):
        def run(way, mix, mean, stolen=0.0):
            return {"way": way, "mix": mix, "latency_ms": {"mean": mean, "p99.9": 10 * mean}, "stolen": stolen}

        samples = [run("server", mix, 4.0) for mix in ("get", "set")] + [run("client", mix, 1.0) for mix in ("get", "set")]
        samples.append(run("client", "get", 900.0, stolen=0.5))
        text = "\n".join(growth_report.coordination_table(samples))
        self.assertIn("| 0.25 | 0.25 | 0.25 | 0.25 |", text)
        self.assertIn("| 0.44 | 0.44 | 0.40 | 0.47 |", text)


if __name__ == "__main__":
    unittest.main()
