"""`henge bench` on some nodes of a cluster, for the scripts that measure what clients notice of something else."""

import json
import statistics
import subprocess
import sys

import henge_cluster

SECONDS_EXTRA = 120


class Load:
    """Each call is one load; returns what `henge bench --json` reports."""

    def __init__(self, binary, nodes, keys, seconds):
        """`keys` and `seconds` are those of the calls that name none."""
        self.command = [str(binary), "bench", "--json"]
        self.keys = keys
        self.seconds = seconds
        for node in nodes:
            self.command += ["--node", node.address]

    def __call__(self, *arguments, keys=None, seconds=None):
        keys, seconds = keys or self.keys, seconds or self.seconds
        words = [*self.command, "--keys", str(keys), "--seconds", str(seconds), *map(str, arguments)]
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            timeout=seconds + SECONDS_EXTRA,
            preexec_fn=henge_cluster.die_with_parent,
        )
        if not done.stdout:
            sys.exit(f"{' '.join(words)}: {done.stderr.strip()}")
        return json.loads(done.stdout)


def median_of(reports, quantile):
    """Of a quantile of the reports' latencies, in milliseconds."""
    return statistics.median(report["latency_ms"][quantile] for report in reports)
