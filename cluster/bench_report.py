"""Statistics and tables of cluster/bench."""

import statistics
from dataclasses import dataclass

BEGIN = "<!-- bench: begin -->"
END = "<!-- bench: end -->"

# Issue "Henge runs": at least this part of PING at -P 1, for 100 B values at -P 1.
GOALS = (
    ("henge sync", "GET", "ONE", 0.5),
    ("henge sync", "GET", "QUORUM", 0.3),
    ("henge sync", "SET", "QUORUM", 0.15),
)
MEMORY_BYTES_MAX = 600 << 20


@dataclass(frozen=True)
class Case:
    """A load: what, at which level, with values of which size, with how many operations in flight a connection."""

    operation: str
    level: str
    value_bytes: int
    pipeline: int

    @property
    def fields(self):
        return {
            "operation": self.operation,
            "level": self.level,
            "value_bytes": self.value_bytes,
            "pipeline": self.pipeline,
        }

    @property
    def label(self):
        return f"{self.operation} {self.level} -P {self.pipeline} {self.value_bytes} B"


def case_of(sample):
    return Case(sample["operation"], sample["level"], sample["value_bytes"], sample["pipeline"])


def grouped(samples):
    """The samples of each (system, case), in the order in which these came first."""
    groups = {}
    for sample in samples:
        groups.setdefault((sample["system"], case_of(sample)), []).append(sample)
    return groups


def spread(values):
    """Half of what lies between the least and the greatest, as a part of the median."""
    middle = statistics.median(values)
    return (max(values) - min(values)) / 2 / middle if middle else 0.0


class Ratios:
    """Rates as parts of PING at -P 1 in the same repetition, with the same value size if that was measured."""

    def __init__(self, samples):
        pings = [s for s in samples if s["operation"] == "PING" and s["pipeline"] == 1]
        self.system = pings[0]["system"] if pings else None
        self.rates = {
            (s["value_bytes"], s["repetition"]): s["rate"] for s in pings if s["system"] == self.system
        }

    def of(self, sample):
        rate = self.rates.get((sample["value_bytes"], sample["repetition"]))
        return sample["rate"] / rate if rate else None

    def median(self, samples):
        ratios = [ratio for ratio in map(self.of, samples) if ratio is not None]
        return statistics.median(ratios) if ratios else None


def summary(samples, ratios):
    """Medians over the repetitions of one case."""
    rates = [s["rate"] for s in samples]
    return {
        "rate": statistics.median(rates),
        "spread": spread(rates),
        "ratio": ratios.median(samples),
        "p50": statistics.median(s["latency_ms"]["p50"] for s in samples),
        "p99": statistics.median(s["latency_ms"]["p99"] for s in samples),
        "cpu_us": statistics.median(s["cpu_us"] for s in samples),
        "client_cpu_us": statistics.median(s["client_cpu_us"] for s in samples),
        "errors": sum(s["errors"] for s in samples),
    }


# Tables in Markdown


def table(titles, rows):
    """`titles`: the first column is text, the others numbers."""
    lines = [titles, ["---", *["--:"] * (len(titles) - 1)], *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def milliseconds(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def cells(found):
    if found is None:
        return [""] * 4
    errors = f" ({found['errors']:,} errors)" if found["errors"] else ""
    return [
        f"{found['rate']:,.0f} ±{100 * found['spread']:.0f} %{errors}",
        f"{found['ratio']:.2f}" if found["ratio"] is not None else "",
        f"{milliseconds(found['p50'])} / {milliseconds(found['p99'])}",
        f"{found['cpu_us']:.1f} + {found['client_cpu_us']:.1f}",
    ]


def speed_table(value_bytes, summaries):
    """One row for each system, operation and level."""
    pipelines = sorted({case.pipeline for _, case in summaries})
    rows = {}
    for (system, case), found in summaries.items():
        if case.value_bytes == value_bytes:
            rows.setdefault((system, case.operation, case.level), {})[case.pipeline] = found
    titles = [f"{size_text(value_bytes)} values"]
    for pipeline in pipelines:
        titles += [f"-P {pipeline}: a second", "of PING", "p50 / p99 ms", "CPU µs"]
    lines = []
    for (system, operation, level), by_pipeline in sorted(rows.items(), key=row_order):
        name = f"{system}: {operation} {level}".rstrip()
        lines.append([name, *(cell for pipeline in pipelines for cell in cells(by_pipeline.get(pipeline)))])
    return table(titles, lines)


def row_order(row):
    system, operation, level = row[0]
    return (
        not system.startswith("henge"),
        ("PING", "SET", "GET").index(operation),
        not system.endswith("sync"),
        system,
        ("ONE", "QUORUM", "ALL").index(level) if level in ("ONE", "QUORUM", "ALL") else 3,
    )


def size_text(count):
    return f"{count // 1024} KiB" if count % 1024 == 0 else f"{count} B"


def mebibytes(count):
    return f"{count / (1 << 20):,.0f} MiB"


def rss_table(samples):
    """What each process held after its system's last measurement of each value size."""
    last = {}
    for sample in samples:
        last[(sample["system"], sample["value_bytes"])] = sample["rss_bytes"]
    lines = [
        [f"{system}, {size_text(size)} values", ", ".join(f"{name} {mebibytes(rss)}" for name, rss in found.items())]
        for (system, size), found in last.items()
    ]
    return table(["RSS after the speed runs", "of each process"], lines)


def memory_table(memory):
    columns = (
        ("empty", "rss_empty_bytes"),
        (f"with {memory['keys']:,} keys of {memory['value_bytes']} B", "rss_filled_bytes"),
        ("after reading them", "rss_read_bytes"),
        ("at most", "rss_peak_bytes"),
    )
    rows = [
        [name, *(mebibytes(memory[field][name]) for _, field in columns)] for name in memory["rss_empty_bytes"]
    ]
    return table(["RSS", *(title for title, _ in columns)], rows)


def verdicts(result):
    """Each goal that this run can tell of, and whether it was reached."""
    ratios = Ratios(result["samples"])
    groups = grouped(result["samples"])
    lines = []
    for system, operation, level, least in GOALS:
        samples = groups.get((system, Case(operation, level, 100, 1)))
        ratio = ratios.median(samples) if samples else None
        if ratio is not None:
            met = "reached" if ratio >= least else "NOT reached"
            lines.append(f"* {operation} {level} ({system}) is {ratio:.2f} of PING, at least {least} is the goal: {met}")
    memory = result["memory"]
    if memory:
        most = max(max(memory["rss_filled_bytes"].values()), max(memory["rss_read_bytes"].values()))
        met = "reached" if most < MEMORY_BYTES_MAX else "NOT reached"
        lines.append(
            f"* A node with {memory['keys']:,} keys of {memory['value_bytes']} B has {mebibytes(most)} RSS, "
            f"under {mebibytes(MEMORY_BYTES_MAX)} is the goal: {met}"
        )
    return lines


def heading(result):
    machine, effort = result["machine"], result["effort"]
    redis = f", Redis {machine['redis']}" if machine["redis"] else ""
    commit = f", commit {machine['commit']}" if machine["commit"] else ""
    text = (
        f"{machine['time'][:10]}, {machine['cores']} cores ({machine['processor']}), Linux {machine['kernel']}{redis}"
        f"{commit}; load average {machine['load_average']:.1f} before."
    )
    if result["samples"]:
        text += (
            f" Medians of {effort['repetitions']} runs of {effort['seconds']:g} s; ± is half of what lies between the "
            "slowest and the fastest."
        )
    return text


def text(result):
    """The whole report, in Markdown."""
    samples = result["samples"]
    parts = [[heading(result)], verdicts(result)]
    if samples:
        ratios = Ratios(samples)
        summaries = {key: summary(group, ratios) for key, group in grouped(samples).items()}
        sizes = list(dict.fromkeys(case.value_bytes for _, case in summaries))
        parts += [speed_table(size, summaries) for size in sizes]
        parts.append(rss_table(samples))
    if result["memory"]:
        parts.append(memory_table(result["memory"]))
    return "\n\n".join("\n".join(part) for part in parts if part)


# Into a document


def has_marks(path, marks=(BEGIN, END)):
    begin, end = marks
    try:
        before, found, rest = path.read_text().partition(begin)
    except OSError:
        return False
    return bool(found) and end in rest


def write_between_marks(path, section, marks=(BEGIN, END)):
    begin, end = marks
    before, _, rest = path.read_text().partition(begin)
    after = rest.partition(end)[2]
    path.write_text(f"{before}{begin}\n{section}\n{end}{after}")
