// What the rest is made of. Text of others, such as names of keys, becomes text nodes and nothing else.
const byID = (id) => document.getElementById(id);

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function draw(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// Leaves what has not changed, so that selections and screen readers are not disturbed.
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function mark(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

// Makes the children of `list` those of `items`, by key and in order; `create` makes one, `update` fills it.
function keyed(list, items, key, create, update) {
  const old = new Map();
  for (const child of [...list.children]) {
    if (child.dataset.key === undefined) child.remove();
    else old.set(child.dataset.key, child);
  }
  items.forEach((item, index) => {
    const name = key(item);
    let child = old.get(name);
    old.delete(name);
    if (!child) {
      child = create(item);
      child.dataset.key = name;
    }
    if (list.children[index] !== child) list.insertBefore(child, list.children[index] ?? null);
    update(child, item, index);
  });
  for (const child of old.values()) child.remove();
}

const wholeNumbers = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const grouped = (number) => wholeNumbers.format(number);

function short(number) {
  if (number === null || number === undefined) return "–";
  if (number >= 1e9) return `${(number / 1e9).toFixed(2)} G`;
  if (number >= 1e6) return `${(number / 1e6).toFixed(2)} M`;
  if (number >= 1e5) return `${(number / 1e3).toFixed(0)} k`;
  return number > 0 && number < 10 ? number.toFixed(1) : grouped(number);
}

function bytes(count) {
  if (count === null || count === undefined) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) { count /= 1024; unit += 1; }
  return `${unit === 0 ? count : count.toFixed(count < 10 ? 2 : count < 100 ? 1 : 0)} ${units[unit]}`;
}

function delay(microseconds) {
  if (microseconds === null || microseconds === undefined) return "–";
  if (microseconds < 1000) return `${microseconds} µs`;
  const milliseconds = microseconds / 1000;
  if (milliseconds < 1000) return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function age(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

const percent = (part, places = 1) => `${(part * 100).toFixed(places)} %`;
const clock = (time) => new Date(time).toLocaleTimeString("en-GB");

// The nodes' colours, by their place in the ring's order; they stay when nodes come and go.
const nodeColors = ["#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999"];
const places = new Map();
function nodeColor(name) {
  if (!places.has(name)) places.set(name, places.size);
  return nodeColors[places.get(name) % nodeColors.length];
}

function chip(name) {
  const element = make("span", { class: "chip", "aria-hidden": "true" });
  element.style.background = nodeColor(name);
  return element;
}

// Bytes that are no text come as base64.
const shown = (value) =>
  value === null ? null : typeof value === "string" ? value : `base64:${value.base64}`;

// A bar with a label to its left and a number to its right.
function makeBar() {
  const item = make("li", {},
    make("div", { class: "line" }, make("span"), make("span")),
    make("div", { class: "bar" }, make("div", { class: "fill" })));
  return item;
}

function fillBar(item, part, color) {
  const fill = item.querySelector(".fill");
  fill.style.width = `${Math.max(0, Math.min(1, part || 0)) * 100}%`;
  if (color) fill.style.background = color;
}

// What shows each overview beside the parts that every page has.
const extras = [];

// Light and dark: as the system has it, or as chosen.
const theme = {
  modes: ["auto", "light", "dark"],
  mode: "auto",
  listeners: [],
  system: matchMedia("(prefers-color-scheme: dark)"),
  begin() {
    try { this.mode = localStorage.getItem("henge-theme") ?? "auto"; } catch { /* not allowed */ }
    if (!this.modes.includes(this.mode)) this.mode = "auto";
    this.system.addEventListener("change", () => this.apply());
    byID("theme").addEventListener("click", () => {
      this.mode = this.modes[(this.modes.indexOf(this.mode) + 1) % 3];
      try { localStorage.setItem("henge-theme", this.mode); } catch { /* not allowed */ }
      this.apply();
    });
    this.apply();
  },
  apply() {
    const dark = this.mode === "dark" || (this.mode === "auto" && this.system.matches);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    say(byID("theme"), `Theme: ${this.mode}`);
    for (const listener of this.listeners) listener();
  },
};
