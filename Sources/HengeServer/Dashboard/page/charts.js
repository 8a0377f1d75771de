// Curves over the last minutes, drawn anew each second at the size that they have.
const samples = [];
const sampleFields = ["time", "reads", "writes", "errors", "readP50", "readP99", "writeP50", "writeP99"];
const shownSeconds = 300;

function addSample(values) {
  const sample = {};
  sampleFields.forEach((field, index) => { sample[field] = values[index]; });
  if (samples.length > 0 && sample.time <= samples[samples.length - 1].time) return;
  samples.push(sample);
  while (samples.length > 600) samples.shift();
}

// A round number that is at least `most`, and how to cut it into parts.
function scaleFor(most) {
  if (!(most > 0)) return { top: 1, step: 1 };
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [0.2, 0.25, 0.5, 1, 2].map((s) => s * power).find((s) => most / s <= 5) ?? power * 2;
  return { top: Math.ceil(most / step) * step, step };
}

class Chart {
  constructor(id, options) {
    this.id = id;
    this.options = options;
    this.host = byID(id);
    this.svg = draw("svg", { role: "img", tabindex: "0", "aria-label": options.title });
    this.host.append(this.svg);
    this.cursor = null;
    this.svg.addEventListener("pointermove", (event) => this.pointAt(event.offsetX));
    this.svg.addEventListener("pointerleave", () => this.leave());
    this.svg.addEventListener("blur", () => this.leave());
    this.svg.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.render()).observe(this.host);
  }

  pointAt(x) {
    const seconds = (this.right - x) / Math.max(1, this.right - this.left) * shownSeconds;
    this.cursor = Math.min(shownSeconds, Math.max(0, seconds));
    this.render();
  }

  leave() { this.cursor = null; this.render(); }

  // Arrows move the cursor by five seconds, Home and End to the ends, Escape takes it away.
  key(event) {
    const moves = { ArrowLeft: 5, ArrowRight: -5 };
    if (event.key in moves) this.cursor = Math.min(shownSeconds, Math.max(0, (this.cursor ?? 0) + moves[event.key]));
    else if (event.key === "Home") this.cursor = shownSeconds;
    else if (event.key === "End") this.cursor = 0;
    else if (event.key === "Escape") this.cursor = null;
    else return;
    event.preventDefault();
    this.render();
  }

  render() {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (width < 80) return;
    const now = samples.length > 0 ? samples[samples.length - 1].time : Date.now();
    const visible = samples.filter((s) => s.time > now - shownSeconds * 1000);
    // Room for text as large as the page's.
    const em = parseFloat(getComputedStyle(this.host).fontSize);
    [this.left, this.right, this.top, this.bottom] = [3.6 * em, width - 8, 8, height - 1.5 * em];
    this.x = (time) => this.right - (now - time) / (shownSeconds * 1000) * (this.right - this.left);
    mark(this.svg, "viewBox", `0 0 ${width} ${height}`);
    this.svg.replaceChildren();
    const y = this.options.log ? this.logAxis(visible) : this.linearAxis(visible);
    this.times(height);
    for (const series of this.options.series) this.curve(visible, series, y);
    this.readout(visible, now);
  }

  total(sample) { return this.options.series.reduce((sum, s) => sum + (this.options.stacked ? sample[s.field] : 0), 0); }

  linearAxis(visible) {
    const most = visible.reduce((max, s) => Math.max(max, this.options.stacked ? this.total(s) : s[this.options.series[0].field]), 0);
    const { top, step } = scaleFor(most);
    const y = (value) => this.bottom - value / top * (this.bottom - this.top);
    for (let value = 0; value <= top * 1.0001; value += step) this.line(y(value), short(value));
    return y;
  }

  logAxis(visible) {
    const values = visible.flatMap((s) => this.options.series.map((series) => s[series.field])).filter((v) => v > 0);
    const low = Math.floor(Math.log10(Math.min(...values, 1000)));
    const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values, 1000))));
    const y = (value) => this.bottom - (Math.log10(value) - low) / (high - low) * (this.bottom - this.top);
    for (let power = low; power <= high; power += 1) this.line(y(10 ** power), delay(10 ** power).replace(".0", ""));
    return y;
  }

  line(y, label) {
    this.svg.append(draw("line", { class: "grid", x1: this.left, x2: this.right, y1: y, y2: y }));
    this.svg.append(draw("text", { x: this.left - 6, y: y + 4, "text-anchor": "end" }, label));
  }

  times(height) {
    for (let minute = 0; minute <= 5; minute += 1) {
      const x = this.right - minute / 5 * (this.right - this.left);
      const label = minute === 0 ? "now" : `−${minute} min`;
      if ((minute % 2 === 1 && this.right < 320) || (minute === 5 && this.right < 460)) continue;
      this.svg.append(draw("text", { x, y: height - 3, "text-anchor": minute === 0 ? "end" : minute === 5 ? "start" : "middle" }, label));
    }
  }

  // Where nothing is known for a while, as of a node that had not started, there is a gap.
  pieces(visible, usable) {
    const pieces = [];
    let last = null;
    for (const sample of visible) {
      if (!usable(sample)) { last = null; continue; }
      if (last === null || sample.time - last > 3500) pieces.push([]);
      pieces[pieces.length - 1].push(sample);
      last = sample.time;
    }
    return pieces;
  }

  curve(visible, series, y) {
    const at = (s, value) => `${this.x(s.time).toFixed(1)} ${y(value).toFixed(1)}`;
    for (const piece of this.pieces(visible, (s) => s[series.field] !== null && (!this.options.log || s[series.field] > 0))) {
      const below = (s) => this.options.stacked && series.above ? s[series.above] : 0;
      const top = piece.map((s) => at(s, s[series.field] + below(s)));
      if (series.area) {
        const base = [...piece].reverse().map((s) => at(s, below(s)));
        this.svg.append(draw("path", { class: `area ${series.kind}`, d: `M${[...top, ...base].join("L")}Z` }));
      } else {
        this.svg.append(draw("path", { class: `curve ${series.kind} ${series.style ?? ""}`, d: `M${top.join("L")}` }));
      }
    }
  }

  readout(visible, now) {
    let sample = visible[visible.length - 1];
    if (this.cursor !== null && sample) {
      const time = now - this.cursor * 1000;
      sample = visible.reduce((best, s) => Math.abs(s.time - time) < Math.abs(best.time - time) ? s : best);
      const x = this.x(sample.time);
      this.svg.append(draw("line", { class: "cursor", x1: x, x2: x, y1: this.top, y2: this.bottom }));
    }
    const texts = sample ? this.options.describe(sample) : [];
    keyed(byID(`${this.id}-key`), texts, (t) => t.label, () => make("span", {}, make("b"), " ", make("span")), (item, text) => {
      mark(item, "class", text.kind);
      say(item.firstElementChild, text.label);
      say(item.lastElementChild, text.value);
    });
    const words = texts.map((t) => `${t.label} ${t.value}`).join(", ");
    const when = sample && this.cursor !== null ? ` at ${clock(sample.time)}` : "";
    mark(this.svg, "aria-label", `${this.options.title}${when}: ${words || "no data yet"}. Arrow keys move along the time.`);
  }
}

const charts = {
  all: [],
  begin() {
    this.all = [
      new Chart("rate", {
        title: "Requests a second over the last five minutes", stacked: true,
        series: [{ field: "reads", kind: "reads", area: true }, { field: "writes", kind: "writes", area: true, above: "reads" }],
        describe: (s) => [
          { kind: "reads", label: "reads", value: short(s.reads) },
          { kind: "writes", label: "writes", value: short(s.writes) },
        ],
      }),
      new Chart("delay", {
        title: "Latency over the last five minutes", log: true,
        series: [
          { field: "readP50", kind: "reads", style: "middle" }, { field: "readP99", kind: "reads" },
          { field: "writeP50", kind: "writes", style: "middle" }, { field: "writeP99", kind: "writes" },
        ],
        describe: (s) => [
          { kind: "reads", label: "reads", value: `p50 ┄ ${delay(s.readP50)}, p99 ─ ${delay(s.readP99)}` },
          { kind: "writes", label: "writes", value: `p50 ┄ ${delay(s.writeP50)}, p99 ─ ${delay(s.writeP99)}` },
        ],
      }),
      new Chart("error", {
        title: "Errors a second over the last five minutes",
        series: [{ field: "errors", kind: "errors", area: true }],
        describe: (s) => [{ kind: "errors", label: "errors", value: short(s.errors) }, ...(s.kinds ?? [])],
      }),
    ];
  },
  render() { for (const chart of this.all) chart.render(); },
};
