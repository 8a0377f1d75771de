"""Tables of cluster/bench-growth."""

import statistics

from bench_report import mebibytes, milliseconds, size_text, table
from henge_cluster import Theft

MARKS = ("<!-- growth: begin -->", "<!-- growth: end -->")
TITLES = {
    "keys": "keys",
    "partitions": "partitions (Q)",
    "replicas": "replicas (N), five nodes",
    "nodes": "nodes, N = 3",
    "connections": "connections",
    "values": "bytes a value",
}


WAYS = {"server": "the node that a connection leads to", "client": "the key's first replica, which clients ask"}
# Milliseconds of Table 2 of DeCandia et al., SOSP 2007.
DYNAMO = {
    "server": {("get", "p99.9"): 68.9, ("set", "p99.9"): 68.5, ("get", "mean"): 3.9, ("set", "mean"): 4.02},
    "client": {("get", "p99.9"): 30.4, ("set", "p99.9"): 30.4, ("get", "mean"): 1.55, ("set", "mean"): 1.9},
}
COORDINATION_FIGURES = [("get", "p99.9"), ("set", "p99.9"), ("get", "mean"), ("set", "mean")]


def median(point, mix, figure):
    return statistics.median(figure(sample) for sample in point["samples"] if sample["mix"] == mix)


def cost(point, mix):
    """CPU microseconds of all nodes for one request."""
    return median(point, mix, lambda sample: sample["cpu_us"])


def cells(point, mix):
    errors = sum(sample["errors"] for sample in point["samples"] if sample["mix"] == mix)
    wrong = f" ({errors:,} errors)" if errors else ""
    return [
        f"{median(point, mix, lambda sample: sample['rate']):,.0f}{wrong}",
        milliseconds(median(point, mix, lambda sample: sample["latency_ms"]["p99"])),
        f"{cost(point, mix):,.1f}",
    ]


def growth_table(name, points):
    titles = [TITLES[name], "GET a second", "p99 ms", "CPU µs", "SET a second", "p99 ms", "CPU µs"]
    titles += ["RSS of a node, empty", "filled", "after"]
    rows = []
    for point in points:
        value = size_text(point["value"]) if name == "values" else f"{point['value']:,}"
        memory = [mebibytes(statistics.mean(point["memory"][when].values())) for when in ("empty", "filled", "after")]
        rows.append([value, *cells(point, "get"), *cells(point, "set"), *memory])
    return table(titles, rows)


def coordination_table(samples):
    """Who coordinates, as Dynamo's Table 2, with the ratios of the two beside the paper's."""

    def figure(way, mix, name):
        all_runs = [sample for sample in samples if (sample["way"], sample["mix"]) == (way, mix)]
        # Where the host took time away the figures are its own.
        runs = [sample for sample in all_runs if sample["stolen"] <= Theft.MAX] or all_runs
        return statistics.median(sample["latency_ms"][name] for sample in runs)

    found = {way: {key: figure(way, *key) for key in COORDINATION_FIGURES} for way in WAYS}
    rows = [[text, *(milliseconds(found[way][key]) for key in COORDINATION_FIGURES)] for way, text in WAYS.items()]
    for text, table_of in (("second : first", found), ("the same in Dynamo's Table 2", DYNAMO)):
        ratios = [table_of["client"][key] / table_of["server"][key] for key in COORDINATION_FIGURES]
        rows.append([text, *(f"{ratio:.2f}" for ratio in ratios)])
    return table(["coordinator", "GET p99.9 ms", "SET p99.9 ms", "GET mean ms", "SET mean ms"], rows)


def heading(result):
    machine, effort = result["machine"], result["effort"]
    command = "cluster/bench-growth" + (" --quick" if result["quick"] else "")
    commit = f", commit {machine['commit']}" if machine["commit"] else ""
    return (
        f"`{command}`, {machine['time'][:10]}, {machine['cores']} cores ({machine['processor']}), Linux"
        f" {machine['kernel']}{commit}; load average {machine['load_average']:.1f} before; took {result['seconds']} s."
        f" Medians of {effort['repetitions']} runs of {effort['seconds']:g} s; CPU time is of all nodes for one request."
    )


def text(result):
    """The whole report, in Markdown."""
    by_axis = {}
    for point in result["points"]:
        by_axis.setdefault(point["axis"], []).append(point)
    parts = [[heading(result)]] + [growth_table(name, points) for name, points in by_axis.items()]
    if result.get("coordination"):
        parts.append(coordination_table(result["coordination"]))
    return "\n\n".join("\n".join(part) for part in parts)
