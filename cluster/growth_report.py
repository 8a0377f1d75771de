"""Tables of cluster/bench-growth."""

import statistics

from bench_report import mebibytes, milliseconds, size_text, table

MARKS = ("<!-- growth: begin -->", "<!-- growth: end -->")
TITLES = {
    "keys": "keys",
    "partitions": "partitions (Q)",
    "replicas": "replicas (N), five nodes",
    "connections": "connections",
    "values": "bytes a value",
}


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
    return "\n\n".join("\n".join(part) for part in parts)
