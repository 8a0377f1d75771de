"""The pictures of cluster/bench-peers: bars of what systems do at saturation, and lines of latency against load.

SVG that reads on light and on dark ground. Systems differ by colour and by mark or label; the colours are those that
people with any colour vision tell apart. Source: Okabe and Ito, *Color Universal Design*, 2008.
"""

import math
import statistics
from html import escape

import peers_report
from peers_report import Load

COLORS = ("#0072b2", "#56b4e9", "#009e73", "#d55e00", "#e69f00", "#cc79a7", "#999999")
MARKS = "●▲■◆▼✚✖"
STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.small { font-size: 10.5px }
.title { font-size: 14px; font-weight: 600 }
.rule { stroke: #8b949e; stroke-opacity: .35 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } }
</style>"""
WIDTH = 860
LEFT = 190


class Picture:
    def __init__(self, title):
        self.title = title
        self.parts = []
        self.height = 0

    def text(self, x, y, words, anchor="start", kind="", fill=""):
        style = f' style="fill:{fill}"' if fill else ""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}"{style}>{escape(words)}</text>'
        )

    def line(self, x1, y1, x2, y2, kind="rule", style=""):
        self.parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}" style="{style}"/>'
        )

    def bar(self, x, y, width, height, color):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{color}"/>')

    def path(self, points, color):
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{joined}" fill="none" stroke="{color}" stroke-width="2"/>')

    @property
    def svg(self):
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height:.0f}" role="img"'
            f' aria-label="{escape(self.title)}">'
        )
        return "\n".join([head, f"<title>{escape(self.title)}</title>", STYLE, *self.parts, "</svg>"]) + "\n"


def look(subjects):
    """Each subject's colour and mark."""
    return {s: (COLORS[i % len(COLORS)], MARKS[i % len(MARKS)]) for i, s in enumerate(subjects)}


def ceiling(value):
    """A round number that is not less."""
    if value <= 0:
        return 1
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * power >= value)


def throughput(result):
    """Bars, the mixes below each other: 100 B, uniform keys, one group for each depth of the pipeline."""
    groups = peers_report.grouped(result["samples"])
    cells = [
        (load.pipeline, load.mix, subject, samples)
        for (subject, load), samples in groups.items()
        if (load.value_bytes, load.distribution, load.share) == (100, "uniform", None) and load.mix != "ping"
        and subject in compared(groups)
    ]
    picture = Picture("Requests a second at saturation, values of 100 B, uniform keys, 50 connections")
    picture.text(12, 22, picture.title, kind="title")
    looks = look(compared(groups))
    y = 40
    for pipeline in sorted({cell[0] for cell in cells}):
        rows = [cell for cell in cells if cell[0] == pipeline]
        most = ceiling(max(statistics.median(map(peers_report.rate, samples)) for *_, samples in rows))
        scale = (WIDTH - LEFT - 110) / most
        for mix in ("set", "get", "80:20"):
            of_mix = [cell for cell in rows if cell[1] == mix]
            if not of_mix:
                continue
            y += 14
            picture.text(12, y, f"{peers_report.MIX_TITLES[mix]}, -P {pipeline}", kind="title")
            y += 8
            for _, _, subject, samples in of_mix:
                y = bar_row(picture, y, subject, list(map(peers_report.rate, samples)), scale, looks[subject][0])
            y += 10
    picture.height = y + 6
    return picture


def bar_row(picture, y, subject, rates, scale, color):
    middle = statistics.median(rates)
    picture.text(LEFT - 8, y + 11, subject, anchor="end")
    picture.bar(LEFT, y + 1, max(1.0, middle * scale), 13, color)
    # From the slowest to the fastest.
    picture.line(LEFT + min(rates) * scale, y + 7.5, LEFT + max(rates) * scale, y + 7.5, "", "stroke:#8b949e;stroke-width:2")
    picture.text(LEFT + max(middle, max(rates)) * scale + 6, y + 11, f"{middle:,.0f}", kind="small")
    return y + 18


def compared(groups):
    """Subjects of which there is more than a single figure for a target, in the order of the run."""
    return [
        subject
        for subject in dict.fromkeys(subject for subject, _ in groups)
        if any(name == subject and load.pipeline > 1 for name, load in groups)
    ]


def latency(result, mix="set"):
    """Lines of p99 against load, both in powers of ten, for 100 B and -P 1."""
    groups = peers_report.grouped(result["samples"])
    lines = {}
    for (subject, load), samples in groups.items():
        if load.share and load.mix == mix:
            x = statistics.median(map(peers_report.rate, samples))
            y = statistics.median(map(peers_report.p99, samples))
            lines.setdefault(subject, []).append((x, y, load.share))
    title = f"p99 against load: {peers_report.MIX_TITLES[mix]} of 100 B, 25, 50 and 75 % of each system's saturation, open loop"
    picture = Picture(title)
    picture.text(12, 22, title, kind="title")
    points = [point for line in lines.values() for point in line]
    if not points:
        picture.height = 40
        return picture
    plot = Axes([p[0] for p in points], [p[1] for p in points])
    plot.draw(picture)
    looks = look(compared(groups))
    for row, (subject, line) in enumerate(lines.items()):
        color, mark = looks[subject]
        places = [plot.place(x, y) for x, y, _ in sorted(line, key=lambda point: point[2])]
        picture.path(places, color)
        for x, y in places:
            picture.text(x, y + 4.5, mark, anchor="middle", fill=color)
        picture.text(WIDTH - 172, 70 + 18 * row, mark, anchor="middle", fill=color)
        picture.text(WIDTH - 160, 70 + 18 * row, subject)
    picture.height = 400
    return picture


class Axes:
    """Logarithmic in both directions."""

    left, right, top, bottom = 70, WIDTH - 200, 50, 350

    def __init__(self, xs, ys):
        self.x = (self.floor(min(xs)), ceiling(1.05 * max(xs)))
        self.y = (self.floor(min(ys)), ceiling(1.05 * max(ys)))

    @staticmethod
    def floor(value):
        """A round number that is not more."""
        power = 10 ** math.floor(math.log10(max(value, 1e-3)))
        return max(step * power for step in (1, 2, 5) if step * power <= max(value, 1e-3))

    @staticmethod
    def ticks(low, high):
        exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        steps = [step * 10.0**exponent for exponent in exponents for step in (1, 2, 5)]
        return [step for step in steps if low * 0.999 <= step <= high * 1.001]

    def place(self, x, y):
        def part(value, bounds):
            return math.log(max(value, bounds[0]) / bounds[0]) / math.log(bounds[1] / bounds[0])

        return (
            self.left + part(x, self.x) * (self.right - self.left),
            self.bottom - part(y, self.y) * (self.bottom - self.top),
        )

    def draw(self, picture):
        for x in self.ticks(*self.x):
            at, _ = self.place(x, self.y[0])
            picture.line(at, self.top, at, self.bottom)
            picture.text(at, self.bottom + 16, f"{x:,.0f}", anchor="middle", kind="small")
        for y in self.ticks(*self.y):
            _, at = self.place(self.x[0], y)
            picture.line(self.left, at, self.right, at)
            picture.text(self.left - 6, at + 4, f"{y:g} ms", anchor="end", kind="small")
        picture.text((self.left + self.right) / 2, self.bottom + 36, "operations a second", anchor="middle")


def write(result, folder):
    """Both pictures into a folder; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, picture in (("peers-throughput", throughput(result)), ("peers-latency", latency(result))):
        path = folder / f"{name}.svg"
        path.write_text(picture.svg)
        paths.append(path)
    return paths
