// The table of nodes, the tiles above it, and what each node holds.
const stateMarks = { up: "●", suspect: "◐", down: "✕", joining: "◔", leaving: "◑", candidate: "◌" };

const nodeColumns = [
  { label: "reads/s", text: (n) => short(n.reads) },
  { label: "writes/s", text: (n) => short(n.writes) },
  { label: "p50", text: (n) => delay(n.p50_us) },
  { label: "p99", text: (n) => delay(n.p99_us) },
  { label: "errors/s", text: (n) => short(n.errors) },
  { label: "in flight", text: (n) => (n.in_flight === undefined ? "–" : grouped(n.in_flight)) },
  { label: "hints kept", text: (n) => (n.hints ? grouped(n.hints.reduce((sum, h) => sum + h.count, 0)) : "–") },
  { label: "disk free", text: (n) => (n.disk_total > 0 ? percent(n.disk_free / n.disk_total, 0) : "–") },
  { label: "up for", text: (n) => age(n.uptime_ms === undefined ? null : n.uptime_ms / 1000) },
];

const nodeTable = {
  update(overview) {
    keyed(byID("nodes"), overview.nodes, (n) => n.name, (n) => this.row(n, overview), (row, node) => this.fill(row, node));
  },

  row(node, overview) {
    const isHere = node.name === overview.node;
    const name = make("td", { "data-label": "node" }, chip(node.name));
    if (isHere || !node.http) {
      name.append(make("b", {}, node.name));
      if (isHere) name.append(make("span", { class: "soft" }, " · this one"));
    } else {
      name.append(make("a", { href: `http://${node.http}/`, title: "Open this node's dashboard" }, node.name));
    }
    const row = make("tr", {}, name,
      make("td", { "data-label": "state" }, make("span", { class: "state" })), make("td", { "data-label": "zone" }));
    for (const column of nodeColumns) row.append(make("td", { class: "r", "data-label": column.label }));
    return row;
  },

  fill(row, node) {
    const [, state, zone, ...cells] = row.children;
    mark(state.firstElementChild, "data-state", node.state);
    const silent = node.state !== "down" && node.state !== "candidate" && !node.answers ? ", says nothing" : "";
    say(state.firstElementChild, `${stateMarks[node.state] ?? "·"} ${node.state}${silent}`);
    say(zone, node.zone || "–");
    mark(row, "class", node.state === "down" ? "gone" : "");
    cells.forEach((cell, index) => say(cell, nodeColumns[index].text(node)));
  },
};

const tiles = {
  update(overview) {
    const totals = overview.totals;
    const nodes = overview.nodes.filter((n) => n.role !== "candidate");
    const down = nodes.filter((n) => n.state === "down").length;
    const hints = nodes.flatMap((n) => n.hints ?? []).reduce((sum, h) => sum + h.count, 0);
    const held = nodes.reduce((sum, n) => sum + (n.keys ?? 0), 0);
    const replicas = Math.min(overview.replicas, Math.max(1, nodes.length - down));
    const items = [
      { name: "nodes up", value: `${nodes.length - down}`, unit: `of ${nodes.length}`, bad: down > 0 },
      { name: "reads a second", value: totals ? short(totals.reads) : "–" },
      { name: "writes a second", value: totals ? short(totals.writes) : "–" },
      { name: "read p99", value: delay(totals?.read_p99_us) },
      { name: "write p99", value: delay(totals?.write_p99_us) },
      { name: "errors a second", value: totals ? short(totals.errors) : "–", bad: totals?.errors > 0 },
      { name: "keys, about", value: short(held / replicas) },
      { name: "hints waiting", value: short(hints) },
    ];
    keyed(byID("tiles"), items, (i) => i.name, (i) => make("div", {}, make("dt", {}, i.name), make("dd")), (tile, item) => {
      mark(tile, "class", item.bad ? "bad" : "");
      const text = item.unit ? `${item.value} ${item.unit}` : item.value;
      if (tile.dataset.text === text) return;
      tile.dataset.text = text;
      tile.lastElementChild.replaceChildren(item.value, ...(item.unit ? [make("small", {}, item.unit)] : []));
    });
  },
};

const spread = {
  what: "keys",
  begin() {
    for (const input of document.querySelectorAll("input[name=spread]")) {
      input.addEventListener("change", () => { this.what = input.value; if (this.last) this.update(this.last); });
    }
  },
  update(overview) {
    this.last = overview;
    const holding = overview.nodes.filter((n) => n[this.what] !== undefined);
    const sum = holding.reduce((total, n) => total + n[this.what], 0);
    // Of the nodes that answer; what the others hold is not known.
    const weights = holding.reduce((total, n) => total + n.fair_share, 0) || 1;
    const most = Math.max(...holding.map((n) => Math.max(n[this.what] / (sum || 1), n.fair_share / weights)), 0.01);
    const create = (node) => {
      const item = makeBar();
      item.querySelector(".line").firstElementChild.append(chip(node.name), node.name);
      item.querySelector(".bar").append(make("div", { class: "fair", title: "fair share" }));
      return item;
    };
    keyed(byID("spread"), holding, (n) => n.name, create, (item, node) => {
      const share = sum > 0 ? node[this.what] / sum : 0;
      const fair = node.fair_share / weights;
      const amount = this.what === "keys" ? `${grouped(node.keys)} keys` : bytes(node.bytes);
      say(item.querySelector(".line").lastElementChild, `${amount}, ${percent(share)} (fair ${percent(fair)})`);
      fillBar(item, share / most / 1.05, nodeColor(node.name));
      item.querySelector(".fair").style.left = `${fair / most / 1.05 * 100}%`;
    });
    const loads = holding.filter((n) => n.fair_share > 0).map((n) => n[this.what] / n.fair_share);
    const mean = loads.reduce((a, b) => a + b, 0) / Math.max(1, loads.length);
    const efficiency = loads.length > 0 && sum > 0 ? percent(mean / Math.max(...loads)) : "–";
    const missing = overview.nodes.filter((n) => n.keys === undefined && n.role !== "candidate").map((n) => n.name);
    const counting = holding.filter((n) => n.counting).map((n) => n.name);
    const notes = [`Replicas counted. Balance ${efficiency}: the mean load against the greatest.`];
    if (missing.length > 0) notes.push(`Without ${missing.join(", ")}.`);
    if (counting.length > 0) notes.push(`Still counting: ${counting.join(", ")}.`);
    say(byID("spread-note"), notes.join(" "));
  },
};
