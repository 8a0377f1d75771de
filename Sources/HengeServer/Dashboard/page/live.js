// The stream of events that fills the page, and what is said when it falls silent.
const live = {
  source: null,
  lastEvent: 0,
  lastOverview: null,
  retryAt: 0,

  begin() {
    this.open();
    setInterval(() => this.watch(), 500);
  },

  open() {
    this.source?.close();
    const source = new EventSource("/dashboard/events");
    this.source = source;
    source.addEventListener("ring", (event) => this.took(() => {
      ring.owners = JSON.parse(event.data);
      for (const name of ring.owners.names) nodeColor(name);
      ring.render();
    }));
    source.addEventListener("history", (event) => this.took(() => { for (const sample of JSON.parse(event.data)) addSample(sample); }));
    source.addEventListener("heat", (event) => this.took(() => heat.update(JSON.parse(event.data))));
    source.addEventListener("overview", (event) => this.took(() => this.overview(JSON.parse(event.data))));
    source.onerror = () => {
      // A browser gives up on an answer that is no stream; a node that starts gives such ones.
      if (source.readyState === EventSource.CLOSED && this.retryAt === 0) this.retryAt = Date.now() + 2000;
      this.watch();
    };
  },

  took(body) {
    this.lastEvent = Date.now();
    this.retryAt = 0;
    body();
    this.watch();
  },

  overview(overview) {
    this.lastOverview = overview;
    for (const node of overview.nodes) nodeColor(node.name);
    if (overview.totals) this.sample(overview);
    say(byID("seen"), `cluster ${overview.cluster.slice(0, 8)}, as ${overview.node} sees it · epoch ${overview.epoch} · henge ${overview.version}`);
    document.title = `${ring.down(overview)}Henge · ${overview.node}`;
    for (const part of [tiles, ring, nodeTable, spread, work, events, ...extras]) part.update(overview);
    say(byID("mode"), overview.actions ? "" : "This page only reads. ");
    say(byID("ring-note"), overview.change
      ? "Outermost: partitions that move, and those that are through. Within: who claims which stretch, and how warm it is."
      : "Within the stones: who claims which stretch of the ring, and how warm it is in this minute.");
    charts.render();
  },

  sample(overview) {
    const t = overview.totals;
    addSample([overview.time_ms, t.reads, t.writes, t.errors, t.read_p50_us, t.read_p99_us, t.write_p50_us, t.write_p99_us]);
    const kinds = Object.entries(t.errors_by_kind).filter(([, rate]) => rate > 0)
      .map(([kind, rate]) => ({ kind: "", label: kind.replace("_", " "), value: short(rate) }));
    if (samples.length > 0) samples[samples.length - 1].kinds = kinds;
  },

  // Says how fresh the page is, and where else to look when this node is silent.
  watch() {
    const silence = Date.now() - this.lastEvent;
    const pill = byID("live");
    const alarm = byID("alarm");
    if (this.retryAt > 0 && Date.now() >= this.retryAt) { this.retryAt = 0; this.open(); }
    if (this.lastEvent > 0 && silence < 3000 && this.source.readyState === EventSource.OPEN) {
      mark(pill, "data-state", "live");
      say(pill, "live");
      alarm.hidden = true;
      return;
    }
    const isNew = this.lastEvent === 0;
    mark(pill, "data-state", isNew ? "wait" : "lost");
    say(pill, isNew ? "connecting" : `silent for ${Math.max(1, Math.round(silence / 1000))} s`);
    if (isNew || silence < 1500 || !alarm.hidden) return;
    const name = this.lastOverview?.node ?? "the node";
    alarm.replaceChildren(`${name} does not answer; what is shown is from ${clock(this.lastEvent)}.`);
    for (const node of this.lastOverview?.nodes ?? []) {
      if (node.name !== name && node.http && node.state !== "down") alarm.append(make("a", { href: `http://${node.http}/` }, `look from ${node.name}`));
    }
    alarm.hidden = false;
  },
};

ring.down = (overview) => {
  const down = overview.nodes.filter((n) => n.state === "down").length;
  return down > 0 ? `(${down} down) ` : "";
};

theme.listeners.push(() => heat.map());
theme.begin();
charts.begin();
spread.begin();
lookup.begin();
live.begin();
