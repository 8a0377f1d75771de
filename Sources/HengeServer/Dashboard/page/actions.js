// What operators change, by the node's own /admin; only pages of nodes with --dashboard-actions have this.
const actions = {
  overview: null,
  plan: null,
  busy: false,
  isHeld: false,

  begin() {
    const on = (id, event, body) => byID(id).addEventListener(event, body);
    this.form = byID("stage");
    this.form.elements.operation.addEventListener("change", () => this.choices());
    on("stage", "submit", (event) => { event.preventDefault(); this.stage(); });
    on("unstage", "click", () => this.act(async () => {
      this.staged((await this.ask("DELETE", "/ring/staged")).operations);
      return "nothing is staged any more";
    }));
    on("plan", "click", () => this.act(async () => {
      this.plan = await this.ask("GET", "/ring/plan");
      this.renderPlan();
      return `the plan is below; nothing has changed yet`;
    }));
    on("abort", "click", () => this.confirmAbort());
    on("repair", "click", () => this.act(async () => {
      await this.ask("POST", "/repair", {});
      return "replicas are compared now; what differs is shown under Repairs";
    }));
    on("hold", "click", () => this.act(async () => {
      const { paused } = await this.ask("POST", this.isHeld ? "/hints/resume" : "/hints/pause", {});
      this.held(paused);
      return paused ? "hints are held back until they are to be delivered" : "hints are delivered as soon as their nodes are up";
    }));
    on("confirm-no", "click", () => byID("confirm").close());
    on("confirm-yes", "click", () => { byID("confirm").close(); this.confirmed(byID("confirm-fewer").checked); });
  },

  // Errors are the API's own words, without the code that programs read.
  async ask(method, path, body) {
    const request = { method };
    if (body !== undefined) {
      request.headers = { "Content-Type": "application/json" };
      request.body = JSON.stringify(body);
    }
    let response;
    try { response = await fetch(`/admin${path}`, request); } catch { throw new Error("the node does not answer; whether it was done shows below"); }
    const text = await response.text();
    let reply = null;
    try { reply = JSON.parse(text); } catch { /* not of the API */ }
    if (response.ok && reply !== null) return reply;
    const why = reply?.error ?? text.trim();
    throw new Error(why.replace(/^[A-Z]{3,} ((required|alive|received)=\d+ )*/, "") || `the node answered ${response.status}`);
  },

  // One thing at a time; what came of it is said.
  async act(body) {
    if (this.busy) return;
    this.busy = true;
    this.say("", "…");
    try { this.say("good", await body()); } catch (error) { this.say("bad", `not done: ${error.message}`); }
    this.busy = false;
    // What was pressed may be gone.
    if (document.activeElement === document.body) byID("acts-title").focus();
  },

  say(kind, text) {
    mark(byID("acts-said"), "data-kind", kind);
    say(byID("acts-said"), text);
  },

  stage() {
    const { operation, node } = this.form.elements;
    if (!node.value) return;
    this.act(async () => {
      const reply = await this.ask("POST", "/ring/staged", { operation: operation.value, node: node.value });
      this.staged(reply.operations);
      return `staged: ${operation.value} ${node.value}; nothing has changed yet`;
    });
  },

  held(isHeld) {
    this.isHeld = isHeld;
    say(byID("hold"), isHeld ? "Deliver hints" : "Hold hints back");
  },

  update(overview) {
    this.overview = overview;
    this.choices();
    this.staged(overview.staged);
    this.running(overview.change);
    const own = overview.nodes.find((n) => n.name === overview.node);
    say(byID("acts-node"), overview.node);
    const kept = (own?.hints ?? []).reduce((sum, h) => sum + h.count, 0);
    const others = overview.nodes.length > 1 ? " The other nodes have pages of their own." : "";
    say(byID("upkeep-note"), `${grouped(kept)} hints are kept here${own?.hints_paused ? " and held back" : ""}.${others}`);
    if (!this.busy) this.held(own?.hints_paused === true);
  },

  // The nodes that the chosen operation can be about.
  choices() {
    if (!this.overview) return;
    const select = this.form.elements.node;
    const isAdd = this.form.elements.operation.value === "add";
    const names = this.overview.nodes.filter((n) => (n.role === "candidate") === isAdd).map((n) => n.name);
    keyed(select, names, (name) => name, (name) => make("option", { value: name }, name), () => {});
    say(byID("stage-note"), names.length > 0 ? "Nothing changes before the plan is committed."
      : "No node offers itself: start one with henge serve --join.");
  },

  staged(operations) {
    const list = byID("staged");
    keyed(list, operations, (o) => o, () => make("li"), (item, operation) => say(item, operation));
    byID("unstage").hidden = byID("plan").hidden = operations.length === 0;
    if (!this.plan || !this.overview) return;
    const isStill = operations.join() === this.plan.operations.join() && this.overview.epoch === this.plan.epoch;
    if (isStill) return;
    this.plan = null;
    this.renderPlan();
  },

  running(change) {
    const host = byID("running");
    if (!host.firstElementChild) host.append(make("ul", { class: "bars" }, makeBar()));
    const bar = host.querySelector("li");
    bar.lastElementChild.hidden = !change;
    byID("abort").hidden = !change || change.aborting;
    const [label, value] = bar.querySelector(".line").children;
    say(label, !change ? "the ring is not changing" : change.aborting ? "it goes back" : `to epoch ${change.epoch}`);
    say(value, change ? `${grouped(change.steps.next)} of ${grouped(change.partitions)} partitions` : "");
    if (!change) return;
    const part = change.partitions > 0 ? change.steps.next / change.partitions : 1;
    fillBar(bar, part);
    mark(bar.lastElementChild, "role", "progressbar");
    mark(bar.lastElementChild, "aria-label", "The change of the ring");
    mark(bar.lastElementChild, "aria-valuenow", String(Math.floor(part * 100)));
  },

  // What a plan costs, in sentences.
  costs(plan) {
    const minutes = plan.minutes < 1 / 60 ? "less than a second" : `about ${age(plan.minutes * 60)}`;
    return [
      `${grouped(plan.moves.length)} of ${grouped(plan.partitions)} vnodes move (${grouped(plan.moves_lower_bound)} must), and with them ${grouped(plan.replica_moves)} replicas of partitions`,
      `${bytes(plan.bytes)} are transferred, in ${minutes} at ${bytes(plan.bytes_per_second)}/s for each node`,
    ];
  },

  renderPlan() {
    const host = byID("planned");
    const plan = this.plan;
    if (!plan) return host.replaceChildren();
    const body = make("tbody");
    const columns = [
      ["node", (n) => n.name], ["role", (n) => n.role], ["share", (n) => `${percent(n.share_before)} → ${percent(n.share_after)}`],
      ["keys", (n) => `${grouped(n.keys_before)} → ${grouped(n.keys_after)}`], ["receives", (n) => bytes(n.bytes_in)],
      ["sends", (n) => bytes(n.bytes_out)], ["disk free", (n) => bytes(n.disk_free)],
    ];
    for (const node of plan.nodes) {
      const row = make("tr");
      columns.forEach(([label, text], index) => {
        const cell = make("td", { "data-label": label, class: index > 1 ? "r" : "" });
        if (index === 0) cell.append(chip(node.name));
        cell.append(text(node));
        row.append(cell);
      });
      body.append(row);
    }
    const head = make("tr");
    columns.forEach(([label], index) => head.append(make("th", { scope: "col", class: index > 1 ? "r" : "" }, label)));
    const table = make("table", { class: "cards" }, make("thead", {}, head), body);
    const begin = make("button", { type: "button", id: "commit", class: "first" }, "Begin the change…");
    begin.addEventListener("click", () => this.confirmCommit());
    host.replaceChildren(
      make("h3", {}, `Plan ${plan.id.slice(0, 8)}: ${plan.operations.join(", ")}`),
      make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "The plan by node" }, table),
      ...this.costs(plan).map((text) => make("p", { class: "note" }, `${text}.`)),
      ...plan.violations.map((v) => make("p", { class: "doubt" }, this.violation(v))),
      ...plan.refusals.map((r) => make("p", { class: "refused" }, `refused: ${r.reason}`)),
      make("p", { class: "buttons" }, ...(plan.refusals.every((r) => r.may_be_overruled) ? [begin] : [])),
    );
  },

  violation(v) {
    return v.kind === "zone"
      ? `In ${grouped(v.partitions)} partitions replicas would share a zone (${grouped(v.partitions_before)} before).`
      : `${grouped(v.partitions)} partitions would have only ${v.fewest} replicas (${grouped(v.partitions_before)} before).`;
  },

  confirm(title, what, yes, overrule, then) {
    say(byID("confirm-title"), title);
    byID("confirm-what").replaceChildren(...what.map(([kind, text]) => make("li", { class: kind }, text)));
    byID("confirm-fewer").checked = false;
    byID("confirm-overrule").hidden = overrule === null;
    say(byID("confirm-overrule").querySelector("span"), overrule ?? "");
    say(byID("confirm-yes"), yes);
    this.confirmed = then;
    byID("confirm").showModal();
  },

  confirmCommit() {
    const plan = this.plan;
    if (!plan) return;
    const leaving = plan.nodes.filter((n) => n.role === "leaves").map((n) => n.name);
    const what = [...plan.operations.map((o) => ["", o]), ...this.costs(plan).map((text) => ["plain", `${text}.`])];
    if (leaving.length > 0) what.push(["plain", `${leaving.join(", ")} gives everything away, leaves the ring, and stops by itself.`]);
    what.push(["plain", "Clients are served all the while. Until the last partition has moved the change can be made to go back."]);
    for (const refusal of plan.refusals) what.push(["bad", refusal.reason]);
    const overrule = plan.refusals.length > 0 ? "Begin nevertheless, with fewer replicas of each key" : null;
    this.confirm(`Change the ring to epoch ${plan.epoch + 1}?`, what, "Begin the change", overrule, (isFewer) => this.act(async () => {
      const done = await this.ask("POST", "/ring/commit", { plan: plan.id, allow_fewer_replicas: isFewer });
      this.plan = null;
      this.renderPlan();
      return `the change has begun, epoch ${done.epoch}; the bar here and the ring show how far it is`;
    }));
  },

  confirmAbort() {
    const change = this.overview?.change;
    if (!change) return;
    this.confirm("Have the change go back?", [
      ["", `epoch ${change.epoch}: ${grouped(change.steps.next)} of ${grouped(change.partitions)} partitions have moved`],
      ["plain", "These go back to where they were, as the change would have gone on: clients are served all the while."],
    ], "Have it go back", null, () => this.act(async () => {
      await this.ask("POST", "/ring/abort", {});
      return "the change goes back";
    }));
  },
};

extras.push(actions);
actions.begin();
