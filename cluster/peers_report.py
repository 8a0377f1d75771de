"""Statistics, targets and tables of cluster/bench-peers."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from bench_report import mebibytes, milliseconds, size_text, spread, table
from henge_cluster import Theft

MARKS = ("<!-- peers: begin -->", "<!-- peers: end -->")
MIX_TITLES = {"set": "writes", "get": "reads", "80:20": "80:20", "ping": "pings"}


@dataclass(frozen=True)
class Load:
    """What is asked of a system."""

    mix: str
    distribution: str
    value_bytes: int
    # Requests in flight on each connection.
    pipeline: int
    # Which part of saturation, in an open loop at `rate` a second; None for a closed loop, that is saturation.
    share: float | None = None
    rate: float | None = None

    @property
    def fields(self):
        return {
            "mix": self.mix,
            "distribution": self.distribution,
            "value_bytes": self.value_bytes,
            "pipeline": self.pipeline,
            "share": self.share,
            "offered_rate": self.rate,
        }

    @property
    def label(self):
        share = f" at {self.share:.0%}" if self.share else ""
        return f"{self.mix} {self.distribution} {self.value_bytes} B -P {self.pipeline}{share}"


def load_of(sample):
    """Without its rate, so that the repetitions of one load are one."""
    fields = ("mix", "distribution", "value_bytes", "pipeline", "share")
    return Load(*(sample[field] for field in fields))


def grouped(samples):
    """The samples of each (subject, load), in the order in which these came first."""
    groups = {}
    for sample in samples:
        groups.setdefault((sample["subject"], load_of(sample)), []).append(sample)
    return groups


def rate_of(samples, subject, load, repetition):
    """What a subject did in one repetition."""
    for sample in samples:
        if sample["subject"] == subject and sample["repetition"] == repetition and load_of(sample) == load:
            return sample["rate"]
    raise KeyError(f"{subject}: {load.label} was not measured")


# Targets


def rate(sample):
    return sample["rate"]


def p99(sample):
    return sample["latency_ms"]["p99"]


def cpu(sample):
    return sample["cpu_us"]


@dataclass(frozen=True)
class Target:
    """Issue "Fast": a figure of one load by that of another, within a repetition; the first alone without another."""

    name: str
    reach: float
    aim: float
    figure: Callable
    above: tuple
    below: tuple | None = None
    is_least: bool = True

    def verdict(self, value):
        for bound, word in ((self.aim, "aim reached"), (self.reach, "reached")):
            if value >= bound if self.is_least else value <= bound:
                return word
        return "missed"


def at(subject, mix, pipeline=1, share=None):
    return subject, Load(mix, "uniform", 100, pipeline, share)


SYNC, INTERVAL, ALL_NODES = "henge sync", "henge interval", "henge sync, all nodes"
PING, HTTP = at("henge sync, PING", "ping"), "henge sync, HTTP"
TARGETS = (
    Target("SET QUORUM, fsync : Redis SET+WAIT 1, always, -P 1", 1.0, 1.3, rate, at(SYNC, "set"), at("redis always", "set")),
    Target("the same, -P 16", 1.5, 2.0, rate, at(SYNC, "set", 16), at("redis always", "set", 16)),
    Target(
        "SET QUORUM, `interval` : SET+WAIT 1, everysec, -P 1", 0.5, 0.75, rate, at(INTERVAL, "set"), at("redis everysec", "set")
    ),
    Target("the same, -P 16", 0.9, 1.2, rate, at(INTERVAL, "set", 16), at("redis everysec", "set", 16)),
    Target("GET QUORUM : PING, -P 1", 0.40, 0.50, rate, at(SYNC, "get"), PING),
    Target("GET ONE : PING, -P 1", 0.70, 0.85, rate, at("henge sync, ONE", "get"), PING),
    Target("SET QUORUM : etcd's puts, -P 1", 2.0, 3.0, rate, at(SYNC, "set"), at("etcd", "set")),
    Target("GET QUORUM : etcd's linearizable gets, -P 1", 3.0, 4.5, rate, at(SYNC, "get"), at("etcd", "get")),
    Target(
        "p99 at 50 % of saturation, SET QUORUM : SET+WAIT 1, always",
        *(1.2, 0.8, p99),
        *(at(SYNC, "set", share=0.5), at("redis always", "set", share=0.5)),
        is_least=False,
    ),
    Target("HTTP GET at QUORUM : Henge's own `/ping`", 0.4, 0.6, rate, at(HTTP, "get"), at(HTTP, "ping")),
    Target("HTTP PUT at QUORUM : Henge's own `/ping`", 0.25, 0.35, rate, at(HTTP, "set"), at(HTTP, "ping")),
    Target("token-aware client over all nodes : one node, SET QUORUM", 1.2, 1.4, rate, at(ALL_NODES, "set"), at(SYNC, "set")),
    Target("CPU µs of all three nodes for a SET QUORUM, -P 16", 30, 20, cpu, at(SYNC, "set", 16), is_least=False),
)


def values_of(target, groups):
    """The target's figure in each repetition that has what it needs."""

    def figures(key):
        return {sample["repetition"]: target.figure(sample) for sample in groups.get(key, [])}

    above = figures(target.above)
    if target.below is None:
        return list(above.values())
    below = figures(target.below)
    return [value / below[repetition] for repetition, value in above.items() if below.get(repetition)]


def target_rows(groups):
    rows = []
    for target in TARGETS:
        values = values_of(target, groups)
        if not values:
            rows.append([target.name, f"{target.reach:g}", f"{target.aim:g}", "not measured", "", ""])
            continue
        middle = statistics.median(values)
        places = 1 if target.below is None else 2
        rows.append(
            [
                target.name,
                *(f"{target.reach:g}", f"{target.aim:g}"),
                f"{middle:.{places}f}",
                f"{min(values):.{places}f} – {max(values):.{places}f}",
                target.verdict(middle),
            ]
        )
    return rows


def target_table(groups):
    return table(["target", "reach", "aim", "measured", "least – most", "so"], target_rows(groups))


# Tables


def median(samples, figure):
    return statistics.median(map(figure, samples))


def rate_cell(samples):
    errors = sum(sample["errors"] for sample in samples)
    wrong = f" ({errors:,} errors)" if errors else ""
    return f"{median(samples, rate):,.0f} ±{100 * spread(list(map(rate, samples))):.0f} %{wrong}"


def cost_cell(samples):
    return f"{median(samples, cpu):.1f} + {median(samples, lambda s: s['client_cpu_us']):.1f}"


def subjects_in(groups, wanted):
    return list(dict.fromkeys(subject for subject, load in groups if wanted(load)))


def saturation_table(groups, value_bytes, distribution, pipeline):
    def wanted(load):
        key = (load.value_bytes, load.distribution, load.pipeline, load.share)
        return key == (value_bytes, distribution, pipeline, None)

    mixes = list(dict.fromkeys(load.mix for _, load in groups if wanted(load)))
    titles = [f"{size_text(value_bytes)}, {distribution}, -P {pipeline}"]
    for mix in mixes:
        titles += [f"{MIX_TITLES[mix]} a second", "p50 / p99 ms", "CPU s a million"]
    rows = []
    for subject in subjects_in(groups, wanted):
        row = [subject]
        for mix in mixes:
            samples = groups.get((subject, Load(mix, distribution, value_bytes, pipeline)))
            if samples is None:
                row += [""] * 3
                continue
            latencies = [median(samples, lambda s, name=name: s["latency_ms"][name]) for name in ("p50", "p99")]
            row += [rate_cell(samples), " / ".join(map(milliseconds, latencies)), cost_cell(samples)]
        rows.append(row)
    return table(titles, rows) if rows else []


def latency_table(groups):
    shares = sorted({load.share for _, load in groups if load.share})
    titles = ["100 B, uniform, -P 1, open loop"]
    for share in shares:
        titles += [f"at {share:.0%}: a second", "p50 / p99 / p99.9 ms"]
    rows = {}
    for (subject, load), samples in groups.items():
        if load.share:
            rows.setdefault((subject, load.mix), {})[load.share] = samples
    lines = []
    for (subject, mix), by_share in sorted(rows.items(), key=lambda row: list(MIX_TITLES).index(row[0][1])):
        line = [f"{subject}: {MIX_TITLES[mix]}"]
        for share in shares:
            samples = by_share.get(share)
            if samples is None:
                line += ["", ""]
                continue
            names = ("p50", "p99", "p99.9")
            latencies = [median(samples, lambda s, name=name: s["latency_ms"][name]) for name in names]
            line += [f"{median(samples, rate):,.0f}", " / ".join(map(milliseconds, latencies))]
        lines.append(line)
    return table(titles, lines) if lines else []


def memory_table(samples):
    """What all processes of a system held after its last measurement of each value size."""
    last = {}
    for sample in samples:
        last[(sample["system"], sample["value_bytes"])] = sample["rss_bytes"]
    rows = [
        [f"{system}, {size_text(size)} values", mebibytes(sum(found.values())), ", ".join(map(mebibytes, found.values()))]
        for (system, size), found in last.items()
    ]
    return table(["RSS after the run", "all", "of each process"], rows)


def heading(result):
    machine, effort = result["machine"], result["effort"]
    others = [f"{name} {machine[key]}" for name, key in (("Redis", "redis"), ("etcd", "etcd")) if machine[key]]
    commit = [f"commit {machine['commit']}"] if machine["commit"] else []
    words = ", ".join(
        [f"{machine['cores']} cores ({machine['processor']})", f"Linux {machine['kernel']}", *others, *commit]
    )
    command = "cluster/bench-peers" + result["options"]
    return (
        f"`{command}`, {machine['time'][:10]}, {words}; load average {machine['load_average']:.1f} before; took"
        f" {result['seconds']} s. Medians of {effort['repetitions']} runs of {effort['seconds']:g} s; ± is half of what lies"
        f" between the slowest and the fastest.{disturbance(result['samples'])}"
    )


def disturbance(samples):
    """How much of this the host spoilt: where it took time away three times in a row, the least spoilt counts."""
    spoilt = sum(sample.get("stolen", 0) > Theft.MAX for sample in samples)
    if not spoilt:
        return ""
    return f" During {spoilt} of {len(samples)} measurements the host took more than {Theft.MAX:.0%} of the machine's time."


def text(result):
    """The whole report, in Markdown."""
    groups = grouped(result["samples"])
    kinds = sorted({(load.value_bytes, load.distribution, load.pipeline) for _, load in groups if not load.share})
    parts = [[heading(result)], target_table(groups)]
    parts += [saturation_table(groups, *kind) for kind in kinds]
    parts += [latency_table(groups), memory_table(result["samples"])]
    return "\n\n".join("\n".join(part) for part in parts if part)


def section(report, pictures):
    """What goes into a document, the pictures beside it."""
    shown = "\n\n".join(f"![{picture.stem.replace('-', ' ')}]({picture.name})" for picture in pictures)
    return f"{report}\n\n{shown}"
