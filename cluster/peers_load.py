"""The load generators of cluster/bench-peers for what does not speak RESP: h2load for gRPC, wrk for HTTP.

Both report as `henge bench --json` does, as far as they can.
"""

import contextlib
import json
import math
import pathlib
import re
import tempfile
import urllib.request

from bench_engine import CONNECTIONS, KEYS, run_client
from bench_systems import BenchError

PERCENTILES = {"p50": 50, "p75": 75, "p90": 90, "p95": 95, "p99": 99, "p99.9": 99.9, "p99.99": 99.99}
# More samples than this are not added for one stall: a client that stands still for a minute is lost anyway.
CORRECTIONS_MAX = 100_000


# etcd's gRPC


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def message(*fields):
    """A protobuf message with the byte strings as its fields 1, 2, …"""
    return b"".join(varint(number << 3 | 2) + varint(len(text)) + text for number, text in enumerate(fields, 1))


def grpc_frame(text):
    """A gRPC message that is not compressed."""
    return b"\0" + len(text).to_bytes(4, "big") + text


def etcd_body(mix, value_bytes):
    """What all requests of a run carry: h2load sends one body.

    A PutRequest is a key and a value, a RangeRequest a key and where the range ends. In a mix both read the same bytes,
    so the value is one that makes a range of the key alone: no other key stands between the key and it.
    """
    key = b"key:000000000001"
    if mix == "get":
        return grpc_frame(message(key))
    value = key + b"!" * (value_bytes - len(key))
    return grpc_frame(message(key, value))


def etcd_paths(mix):
    """The methods that follow each other on each connection; four reads and a write for 80:20."""
    reads, writes = {"get": (1, 0), "set": (0, 1), "80:20": (4, 1)}[mix]
    return ["/etcdserverpb.KV/Range"] * reads + ["/etcdserverpb.KV/Put"] * writes


def run_h2load(system, load, seconds):
    """Puts a load on a member of etcd; `load` as in cluster/bench-peers."""
    with tempfile.TemporaryDirectory(prefix="henge-h2load-") as folder:
        folder = pathlib.Path(folder)
        (folder / "body").write_bytes(etcd_body(load.mix, load.value_bytes))
        (folder / "uris").write_text("".join(f"http://{system.address}{path}\n" for path in etcd_paths(load.mix)))
        command = [
            "h2load",
            *("-t", "1", "-c", str(CONNECTIONS), "-m", str(load.pipeline), "-D", f"{1000 * seconds:.0f}ms"),
            *("-d", str(folder / "body"), "-i", str(folder / "uris"), f"--log-file={folder / 'log'}"),
            *("-H", "content-type: application/grpc", "-H", "te: trailers"),
        ]
        if load.rate:
            command += ["--rps", f"{load.rate / CONNECTIONS:g}"]
        before = system.revision
        text = run_client(system, command, seconds)
        written = system.revision - before
        # The log has all requests, those that were cut off at the end of the time included.
        rows = [line.split("\t") for line in (folder / "log").read_text().splitlines()]
    return h2load_report(text, rows, load, seconds, written)


def h2load_report(text, rows, load, seconds, written):
    """`written`: how many writes etcd itself counts, since h2load takes each gRPC error for a success."""
    counts = re.search(r"requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", text)
    if not counts:
        raise BenchError(f"h2load: no counts in {text[-300:]!r}")
    operations, *failures = map(int, counts.groups())
    errors = sum(failures)
    shares = etcd_paths(load.mix)
    expected = operations * (len(shares) - shares.count("/etcdserverpb.KV/Range")) / len(shares)
    # Each connection may be anywhere in its round, and have one batch cut off.
    slack = CONNECTIONS * max(len(shares), load.pipeline) + 0.02 * expected
    if written < expected - slack:
        raise BenchError(f"etcd counts {written} writes where h2load says about {expected:.0f} were done")
    latencies = [int(row[2]) for row in rows if row[1] == "200"]
    if load.rate:
        latencies = corrected(latencies, 1e6 * CONNECTIONS * load.pipeline / load.rate)
    return report(operations, errors, seconds, percentiles(latencies))


def corrected(latencies, interval):
    """With the latencies that requests would have had that were not sent while one was waited for.

    As HdrHistogram's recordValueWithExpectedInterval; `interval` is between two requests of one slot, in the unit of
    the latencies.
    """
    out = list(latencies)
    for latency in latencies:
        missing = latency - interval
        added = 0
        while missing >= interval and added < CORRECTIONS_MAX:
            out.append(missing)
            missing -= interval
            added += 1
    return out


def percentiles(microseconds):
    """As in the reports of henge bench: milliseconds."""
    ordered = sorted(microseconds)
    if not ordered:
        return {name: 0.0 for name in ("mean", *PERCENTILES, "max")}
    found = {"mean": sum(ordered) / len(ordered)}
    for name, percent in PERCENTILES.items():
        found[name] = ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
    found["max"] = ordered[-1]
    return {name: round(value / 1000, 3) for name, value in found.items()}


def report(operations, errors, seconds, latency):
    return {
        "operations": operations,
        "errors": errors,
        "errors_by_code": {"FAILED": {"count": errors, "first": ""}} if errors else {},
        "rate": operations / seconds,
        "latency_ms": latency,
        "misses": 0,
    }


# HTTP

WRK_SCRIPT = """
local method, path, body, keys = "{method}", "{path}", "{body}", {keys}
local headers = {{ ["Content-Type"] = "application/octet-stream" }}
math.randomseed({seed})
request = function()
    if path == "/ping" then return wrk.format("GET", path) end
    return wrk.format(method, string.format("%s/key:%012d", path, math.random(0, keys - 1)), headers, body)
end
done = function(summary, latency)
    local e = summary.errors
    io.write(string.format("\\nDONE %d %d %d", summary.requests, summary.duration,
        e.connect + e.read + e.write + e.status + e.timeout))
    io.write(string.format(" %d %d %d\\n", latency:percentile(50), latency:percentile(99), latency.max))
end
"""


def wrk_script(method, path, value_bytes, seed):
    body = "x" * value_bytes if method == "PUT" else ""
    return WRK_SCRIPT.format(method=method, path=path, body=body, keys=KEYS, seed=seed)


def set_last_write_wins(url, bucket):
    """Has a bucket of Henge keep one value of a key, whatever context it is written with."""
    request = urllib.request.Request(
        f"{url}/buckets/{bucket}/props",
        data=json.dumps({"props": {"allow_mult": False}}).encode(),
        headers={"Content-Type": "application/json"},
        method="PUT",
    )
    urllib.request.urlopen(request, timeout=10).close()


def run_wrk(system, method, path, value_bytes, seconds, seed=1):
    """Requests to `path`, with a key behind it unless it is /ping."""
    with tempfile.TemporaryDirectory(prefix="henge-wrk-") as folder:
        script = pathlib.Path(folder) / "load.lua"
        script.write_text(wrk_script(method, path, value_bytes, seed))
        # wrk takes whole seconds.
        whole = max(1, round(seconds))
        command = ["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{whole}s", "-s", str(script), system.http]
        text = run_client(system, command, whole)
    return wrk_report(text)


def wrk_report(text):
    found = re.search(r"^DONE (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$", text, re.MULTILINE)
    if not found:
        raise BenchError(f"wrk: no figures in {text[-300:]!r}")
    requests, microseconds, errors, p50, p99, longest = map(int, found.groups())
    with contextlib.suppress(ZeroDivisionError):
        latency = {"p50": p50 / 1000, "p99": p99 / 1000, "max": longest / 1000}
        return report(requests - errors, errors, microseconds / 1e6, latency)
    raise BenchError("wrk: nothing was done in no time")
