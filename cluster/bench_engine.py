"""How cluster/bench and cluster/bench-peers measure: the load generator, and what servers used meanwhile."""

import contextlib
import datetime
import json
import os
import pathlib
import platform
import resource
import shutil
import subprocess
import sys
import time

import henge_cluster
from bench_systems import BenchError
from henge_cluster import cpu_seconds, memory_bytes

CONNECTIONS = 50
KEYS = 100_000
# Fewer in flight than the 512 with which nodes begin to refuse when they are slow.
FILL_PIPELINE = 8
FILLS_MAX = 3
# Keys a second; one that is slower than this hangs.
FILL_RATE_MIN = 5_000
CLIENT_SECONDS_EXTRA = 120
# Long enough that a starved replica is waited for, short enough that a lost one shows.
WAIT_MILLISECONDS = 2000
# Before each measurement the servers come to rest: what the last one left to do in the background (compaction, fsync)
# is not for the next one to pay. Rest is less than this part of a core; after the last it is taken as it is.
REST_CPU_SHARE = 0.1
REST_POLL_SECONDS = 0.1
REST_SECONDS_MAX = 3.0


def say(text):
    """Progress goes to standard error; standard output is the report."""
    print(text, file=sys.stderr, flush=True)


# Processes


def client_cpu_seconds():
    """CPU time of the load generators that have ended. Servers still run, so they are not in it."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def rest(systems):
    """Waits until the servers of all systems are idle, or as good as that gets."""
    deadline = time.monotonic() + REST_SECONDS_MAX
    used = 1.0
    while used > REST_CPU_SHARE * REST_POLL_SECONDS and time.monotonic() < deadline:
        before = sum(cpu_seconds(system.processes) for system in systems)
        time.sleep(REST_POLL_SECONDS)
        used = sum(cpu_seconds(system.processes) for system in systems) - before


# Load


def run_client(system, command, seconds):
    """Runs a load generator that should take so long against a system and returns what it printed."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds + CLIENT_SECONDS_EXTRA,
            preexec_fn=henge_cluster.die_with_parent,
        )
    except subprocess.TimeoutExpired:
        raise BenchError(f"{system.name}: {' '.join(command)} hangs") from None
    system.check()
    if done.returncode != 0:
        raise BenchError(f"{system.name}: {' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


class HengeBench:
    """`henge bench` as the load generator."""

    def __init__(self, binary):
        self.binary = binary

    def run(self, system, *arguments, seconds):
        """Puts a load on a system and returns the report."""
        command = [
            str(self.binary),
            "bench",
            *("--node", system.address),
            *("--connections", str(CONNECTIONS)),
            "--json",
            *arguments,
        ]
        return json.loads(run_client(system, command, seconds))

    def fill(self, system, keys, value_bytes, *arguments, pipeline=FILL_PIPELINE):
        """Writes each key once; all of them again where a node of a busy machine had too much to do."""
        for _ in range(FILLS_MAX):
            report = self.run(
                system,
                *("--mix", "set", "--distribution", "sequential", "--pipeline", str(pipeline)),
                *("--keys", str(keys), "--operations", str(keys), "--value-bytes", str(value_bytes)),
                *arguments,
                seconds=120 + keys / FILL_RATE_MIN,
            )
            if report["operations"] == keys:
                return report
        raise BenchError(f"{system.name}: could not fill {keys} keys: {report['errors_by_code']}")


def measured(system, load):
    """Runs `load`, which returns a report with its `operations`, and returns the report with what it cost.

    CPU microseconds an operation, of all servers and of the load generator, and the servers' RSS afterwards.
    """
    client_before = client_cpu_seconds()
    before = cpu_seconds(system.processes)
    report = load()
    cpu = cpu_seconds(system.processes) - before
    client_cpu = client_cpu_seconds() - client_before
    operations = max(1, report["operations"])
    return report, {
        "cpu_us": 1e6 * cpu / operations,
        "client_cpu_us": 1e6 * client_cpu / operations,
        "rss_bytes": memory_bytes(system.processes),
    }


# The machine


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, cwd=henge_cluster.ROOT)
    except OSError:
        return None
    lines = done.stdout.splitlines()
    return lines[0].strip() if done.returncode == 0 and lines else None


def machine():
    """What the figures depend on."""
    model = "unknown"
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    redis = first_line("redis-server", "--version") if shutil.which("redis-server") else None
    etcd = first_line("etcd", "--version") if shutil.which("etcd") else None
    return {
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="minutes"),
        "cores": os.cpu_count(),
        "processor": model,
        "kernel": platform.release(),
        "load_average": os.getloadavg()[0],
        "commit": first_line("git", "rev-parse", "--short", "HEAD"),
        "redis": redis.split()[2].removeprefix("v=") if redis else None,
        "etcd": etcd.rpartition(" ")[2] if etcd else None,
    }
