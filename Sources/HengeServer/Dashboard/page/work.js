// What nodes do in the background: transfers, hints, repairs.
const waits = {
  adoption: "waits for replicas to hear of the step", budget: "waits: clients' requests come first",
  storage: "waits for its disk", held: "hands over what it holds for others",
};

const work = {
  update(overview) {
    this.transfers(overview.change);
    this.hints(overview.nodes);
    this.repairs(overview.nodes);
  },

  list(host, items) {
    const element = byID(host);
    if (!element.firstElementChild) element.append(make("ul", { class: "bars" }));
    keyed(element.firstElementChild, items, (i) => i.key, () => makeBar(), (item, { label, value, part, title }) => {
      const line = item.querySelector(".line");
      say(line.firstElementChild, label);
      say(line.lastElementChild, value ?? "");
      item.lastElementChild.hidden = part === undefined;
      if (part !== undefined) {
        fillBar(item, part);
        const bar = item.lastElementChild;
        mark(bar, "role", "progressbar");
        mark(bar, "aria-label", title ?? label);
        mark(bar, "aria-valuenow", String(Math.floor(part * 100)));
      }
    });
  },

  transfers(change) {
    if (!change) return this.list("transfers", [{ key: "none", label: "the ring is not changing" }]);
    const { steps, partitions } = change;
    const left = change.seconds_left === null ? "" : `, ${age(change.seconds_left)} left`;
    const items = [{
      key: "all", label: change.aborting ? "the change goes back" : `epoch ${change.epoch}`,
      value: `${grouped(steps.next)} of ${grouped(partitions)} partitions${left}`,
      part: partitions > 0 ? steps.next / partitions : 1, title: "The change of the ring",
    }];
    for (const node of change.nodes) {
      const all = node.partitions_done + node.partitions_left;
      if (all === 0 && node.wait === null) continue;
      const why = node.wait === "source" ? `waits for ${node.wait_for} to be up` : waits[node.wait];
      const rate = node.bytes_per_second > 0 ? `${bytes(node.bytes_per_second)}/s` : "";
      items.push({
        key: node.name, label: why ? `${node.name} ${why}` : `${node.name} takes over`,
        value: `${grouped(node.partitions_done)} of ${grouped(all)}, ${bytes(node.bytes_left)} left ${rate}`,
        part: all > 0 ? node.partitions_done / all : 0,
      });
    }
    return this.list("transfers", items);
  },

  // How many there were at most since the list was last empty, so that delivery has a progress.
  peaks: new Map(),
  hints(nodes) {
    const items = [];
    const seen = new Set();
    for (const node of nodes) {
      for (const hint of node.hints ?? []) {
        const key = `${node.name} ${hint.node}`;
        seen.add(key);
        const peak = Math.max(this.peaks.get(key) ?? 0, hint.count);
        this.peaks.set(key, peak);
        const state = node.hints_paused ? ", paused" : "";
        items.push({
          key, label: `${node.name} keeps for ${hint.node}`,
          value: `${grouped(hint.count)}, ${bytes(hint.bytes)}, since ${age(hint.oldest_ms / 1000)}${state}`,
          part: peak > 0 ? 1 - hint.count / peak : 0, title: `Delivered from ${node.name} to ${hint.node}`,
        });
      }
    }
    for (const key of this.peaks.keys()) if (!seen.has(key)) this.peaks.delete(key);
    const sum = (field) => nodes.reduce((total, n) => total + (n[field] ?? 0), 0);
    if (items.length === 0) items.push({ key: "none", label: "no node waits for a hint" });
    items.push({ key: "rate", label: "kept / delivered a second", value: `${short(sum("hints_stored"))} / ${short(sum("hints_delivered"))}` });
    if (sum("hints_dropped") > 0) items.push({ key: "dropped", label: "dropped or too old, since the start", value: grouped(sum("hints_dropped")) });
    this.list("hints", items);
  },

  repairs(nodes) {
    const items = [];
    for (const node of nodes) {
      for (const comparing of node.comparing ?? []) {
        const done = comparing.differing - comparing.left;
        items.push({
          key: `${node.name} ${comparing.node}`, label: `${node.name} with ${comparing.node}`,
          value: comparing.differing > 0 ? `${grouped(done)} of ${grouped(comparing.differing)} partitions mended` : "comparing",
          part: comparing.differing > 0 ? done / comparing.differing : undefined,
        });
      }
    }
    const there = nodes.filter((n) => n.unverified !== undefined);
    const sum = (field) => there.reduce((total, n) => total + (n[field] ?? 0), 0);
    const oldest = Math.max(0, ...there.map((n) => n.verified_seconds));
    items.push({ key: "reads", label: "replicas mended by reads, a second", value: short(sum("read_repairs")) });
    items.push({ key: "entropy", label: "records mended by comparisons, a second", value: short(sum("entropy_received")) });
    const unverified = sum("unverified");
    items.push({
      key: "verified", label: "all replicas found equal within",
      value: unverified > 0 ? `${grouped(unverified)} partitions not yet` : age(oldest),
    });
    // Each node's pass is its own; the mean tells how far they are.
    const scrubbed = sum("scrubbed") / Math.max(1, there.length);
    items.push({ key: "scrub", label: "read through to verify, this pass", value: percent(scrubbed), part: scrubbed });
    this.list("repairs", items);
  },
};
