// The ring: a stone for each node, which lies on the ground when its node is down; inside, who claims which stretch of
// the ring, and how warm each stretch is.
const ring = {
  center: 240, outside: 172, claims: [132, 106], heat: [101, 90], steps: [142, 136],
  nodes: [], owners: null, warmth: [], drawn: "",

  point(radius, turn) {
    const angle = turn * 2 * Math.PI - Math.PI / 2;
    return [this.center + radius * Math.cos(angle), this.center + radius * Math.sin(angle)];
  },

  // A stretch of a band, both ends as parts of the circle.
  arc([outer, inner], from, to) {
    const [a, b, c, d] = [this.point(outer, from), this.point(outer, to), this.point(inner, to), this.point(inner, from)];
    const large = to - from > 0.5 ? 1 : 0;
    const at = (p) => `${p[0].toFixed(2)} ${p[1].toFixed(2)}`;
    return `M${at(a)}A${outer} ${outer} 0 ${large} 1 ${at(b)}L${at(c)}A${inner} ${inner} 0 ${large} 0 ${at(d)}Z`;
  },

  // One path for each value, of all stretches that have it.
  bands(values, band, useful) {
    const paths = new Map();
    const cells = Math.min(values.length, 1024);
    const value = (cell) => values[Math.floor(cell * values.length / cells)];
    let start = 0;
    for (let cell = 1; cell <= cells; cell += 1) {
      if (cell < cells && value(cell) === value(start)) continue;
      // A whole circle has no beginning.
      const end = cell - start === cells ? cells - 0.001 : cell;
      const what = value(start);
      if (useful(what)) paths.set(what, (paths.get(what) ?? "") + this.arc(band, start / cells, end / cells));
      start = cell;
    }
    return paths;
  },

  update(overview) {
    this.nodes = [...overview.nodes].sort((a, b) => a.zone.localeCompare(b.zone) || a.name.localeCompare(b.name));
    this.overview = overview;
    this.render();
  },

  render() {
    if (!this.overview) return;
    const key = JSON.stringify([this.nodes.map((n) => [n.name, n.state, n.zone]), this.owners?.epoch, this.owners?.names.length, this.center_texts(), this.warmth]);
    if (key === this.drawn) return;
    this.drawn = key;
    const svg = byID("ring");
    svg.replaceChildren(draw("circle", { class: "track", cx: 240, cy: 240, r: this.outside }));
    if (this.owners) this.renderClaims(svg);
    this.renderHeat(svg);
    this.nodes.forEach((node, index) => this.renderStone(svg, node, index));
    this.renderCenter(svg);
    const states = this.nodes.map((n) => `${n.name} ${n.state}`).join(", ");
    mark(svg, "aria-label", `The ring: ${this.center_texts().join(", ")}. ${states}`);
  },

  // Partitions are finer than a line of the picture on all but small rings: then a stretch of them shows how much of
  // it each node claims, the nodes from the outside inwards.
  claimPaths(owners, names) {
    if (owners.length <= 256) return this.bands(owners, this.claims, (owner) => owner >= 0);
    const paths = new Map();
    const stretches = 64;
    const [outer, inner] = this.claims;
    for (let stretch = 0; stretch < stretches; stretch += 1) {
      const [from, to] = [stretch, stretch + 1].map((s) => s * owners.length / stretches);
      const counts = new Array(names.length).fill(0);
      for (let partition = from; partition < to; partition += 1) if (owners[partition] >= 0) counts[owners[partition]] += 1;
      let top = outer;
      counts.forEach((count, owner) => {
        if (count === 0) return;
        const bottom = top - (outer - inner) * count / (to - from);
        paths.set(owner, (paths.get(owner) ?? "") + this.arc([top.toFixed(2), bottom.toFixed(2)], stretch / stretches, (stretch + 1) / stretches));
        top = bottom;
      });
    }
    return paths;
  },

  renderClaims(svg) {
    const { names, owners, steps } = this.owners;
    const down = new Set(this.nodes.filter((n) => n.state === "down").map((n) => n.name));
    for (const [owner, path] of this.claimPaths(owners, names)) {
      const name = names[owner];
      const attributes = { class: down.has(name) ? "places down" : "places", d: path };
      const element = draw("path", attributes, draw("title", {}, `claimed by ${name}`));
      if (!down.has(name)) element.setAttribute("fill", nodeColor(name));
      svg.append(element);
    }
    if (!steps) return;
    for (const [step, path] of this.bands(steps, this.steps, (s) => s > 0)) {
      const title = ["", "being transferred", "read from the new replicas", "through"][step] ?? "";
      svg.append(draw("path", { class: step === 3 ? "moved" : "moving", d: path }, draw("title", {}, title)));
    }
  },

  renderHeat(svg) {
    const most = Math.max(...this.warmth, 1);
    this.warmth.forEach((count, index) => {
      if (count === 0) return;
      const path = this.arc(this.heat, index / this.warmth.length, (index + 1) / this.warmth.length);
      svg.append(draw("path", {
        d: path, fill: "rgb(var(--heat))", "fill-opacity": (0.12 + 0.88 * count / most).toFixed(2),
      }, draw("title", {}, `${grouped(count)} requests in this minute`)));
    });
  },

  renderStone(svg, node, index) {
    const count = this.nodes.length;
    const turn = index / count;
    const scale = Math.min(1, 16 / count);
    const [x, y] = this.point(this.outside, turn);
    const lie = { down: 90, suspect: 25 }[node.state] ?? 0;
    const group = draw("g", {
      class: `stone ${node.state}`,
      transform: `translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${turn * 360 + lie}) scale(${scale.toFixed(2)})`,
    }, draw("rect", { x: -13, y: -22, width: 26, height: 44, rx: 5, fill: nodeColor(node.name) }),
      draw("title", {}, `${node.name}: ${node.state}`));
    svg.append(group);
    if (count > 40) return;
    // Names are wider than high, so they stand further off at the sides.
    const [tx, ty] = this.point(this.outside + 43 + 14 * Math.abs(Math.sin(turn * 2 * Math.PI)), turn);
    const size = Math.max(9, (innerWidth < 760 ? 19 : 15) * Math.min(1, 22 / count));
    const name = draw("text", { x: tx.toFixed(1), y: ty.toFixed(1) }, node.name);
    name.style.fontSize = `${size}px`;
    name.style.fontWeight = "650";
    svg.append(name);
    const calm = node.state === "up";
    const second = calm ? (node.zone ? `zone ${node.zone}` : "") : node.state;
    if (!second) return;
    const kind = calm ? "soft" : node.state === "down" ? "bad" : "doubt";
    svg.append(draw("text", { class: kind, x: tx.toFixed(1), y: (ty + size).toFixed(1) }, second));
  },

  center_texts() {
    const members = this.nodes.filter((n) => n.role !== "candidate");
    const up = members.filter((n) => n.state !== "down").length;
    const texts = [`${up} of ${members.length} up`];
    const change = this.overview.change;
    if (change) {
      const done = change.partitions > 0 ? change.steps.next / change.partitions : 1;
      texts.push(`${change.aborting ? "going back" : "changing"}: ${Math.floor(done * 100)} %`);
    } else {
      texts.push(`epoch ${this.overview.epoch}`);
    }
    texts.push(`${grouped(this.overview.partitions)} partitions`, `${this.overview.replicas} replicas`);
    return texts;
  },

  renderCenter(svg) {
    const [up, ...rest] = this.center_texts();
    const down = this.nodes.some((n) => n.state === "down");
    svg.append(draw("text", { class: down ? "big bad" : "big", x: 240, y: 230 }, up));
    rest.forEach((text, index) => {
      const kind = index === 0 && this.overview.change ? "doubt" : "soft";
      svg.append(draw("text", { class: kind, x: 240, y: 256 + index * 20 }, text));
    });
  },
};

// What has changed while this page was open.
const events = {
  states: null,
  note(kind, text) {
    const list = byID("events");
    if (list.firstElementChild?.classList.contains("soft")) list.replaceChildren();
    const now = new Date();
    list.prepend(make("li", {}, make("time", { datetime: now.toISOString() }, clock(now)), make("span", { class: kind }, text)));
    while (list.children.length > 6) list.lastElementChild.remove();
  },
  update(overview) {
    const states = new Map(overview.nodes.map((n) => [n.name, n.state]));
    if (this.states) {
      for (const [name, state] of states) {
        const before = this.states.get(name);
        if (before === state) continue;
        const kind = state === "up" ? "good" : state === "down" ? "bad" : "";
        this.note(kind, before === undefined ? `${name} is there: ${state}` : `${name} is ${state}, was ${before}`);
      }
      for (const name of this.states.keys()) if (!states.has(name)) this.note("", `${name} is in the ring no more`);
      if (!this.changing && overview.change) this.note("", "a change of the ring has begun");
      if (this.changing && !overview.change) this.note("good", `the change of the ring is through: epoch ${overview.epoch}`);
    }
    this.states = states;
    this.changing = overview.change !== null;
  },
};
