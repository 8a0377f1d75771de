// Where a key lies, and which versions its replicas hold.
const lookup = {
  begin() {
    this.form = byID("lookup");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask(this.form.elements.bucket.value, this.form.elements.key.value);
    });
  },

  show(bucket, key) {
    this.form.elements.bucket.value = bucket;
    this.form.elements.key.value = key;
    this.ask(bucket, key);
    this.form.scrollIntoView({ block: "center" });
    this.form.elements.key.focus();
  },

  async ask(bucket, key) {
    const host = byID("found");
    const query = `bucket=${encodeURIComponent(bucket)}&key=${encodeURIComponent(key)}`;
    this.asked = query;
    try {
      const response = await fetch(`/dashboard/key?${query}`);
      const text = await response.text();
      if (this.asked !== query) return;
      if (response.ok) this.render(host, JSON.parse(text));
      else host.replaceChildren(make("p", { class: "verdict bad" }, text.trim()));
    } catch {
      if (this.asked === query) host.replaceChildren(make("p", { class: "verdict bad" }, "the node does not answer"));
    }
  },

  render(host, found) {
    const facts = [["token", found.token], ["slot", found.slot], ["partition", found.partition], ["preference list", found.preference_list.join(", ")]];
    const list = make("p", { class: "facts" });
    for (const [name, value] of facts) list.append(make("span", {}, `${name} `, make("code", {}, String(value))));
    host.replaceChildren(make("p", {}, make("b", {}, shown(found.key)), make("span", { class: "soft" }, ` in ${shown(found.bucket)}`)), list, this.verdict(found), this.table(found));
  },

  verdict(found) {
    const homes = found.replicas.filter((r) => r.state === "present" || r.state === "absent");
    const digests = new Set(homes.map((r) => r.digest));
    const silent = found.replicas.filter((r) => !homes.includes(r)).map((r) => r.node);
    const without = silent.length > 0 ? `; ${silent.join(", ")} did not answer` : "";
    if (homes.length > 0 && homes.every((r) => r.state === "absent")) {
      return make("p", { class: "verdict" }, `no replica that answered has the key${without}`);
    }
    const agree = digests.size <= 1;
    const live = Math.max(0, ...found.versions.map((v) => v.filter((version) => version.state === "value").length));
    const deleted = live === 0 ? ": it is deleted" : live > 1 ? `: ${live} siblings` : "";
    return make("p", { class: `verdict ${agree && silent.length === 0 ? "good" : "bad"}` },
      `${agree ? "✓ the replicas agree" : "≠ the replicas differ"}${deleted}${without}`);
  },

  table(found) {
    const head = ["replicas", "holds", "value", "version"];
    const body = make("tbody");
    for (const group of this.groups(found)) {
      const rows = group.versions.length > 0 ? group.versions : [null];
      rows.forEach((version, place) => body.append(this.row(group, version, place, head)));
    }
    const header = make("tr");
    for (const title of head) header.append(make("th", { scope: "col" }, title));
    const table = make("table", { class: "cards" }, make("thead", {}, header), body);
    return make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Replicas and their versions" }, table);
  },

  // Replicas that hold the same, once.
  groups(found) {
    const groups = new Map();
    found.replicas.forEach((replica, index) => {
      const key = `${replica.state} ${replica.digest}`;
      if (groups.has(key)) groups.get(key).names.push(replica.node);
      else groups.set(key, { names: [replica.node], state: replica.state, versions: found.versions[index] });
    });
    return groups.values();
  },

  row(group, version, place, head) {
    const state = version === null ? group.state : version.state;
    const expiry = version?.expiry_ms ? `, until ${new Date(version.expiry_ms).toLocaleString("en-GB")}` : "";
    const size = version?.state === "value" ? `, ${bytes(version.bytes)}` : "";
    const written = version ? `${new Date(version.time_ms).toLocaleString("en-GB")} by ${version.coordinator}, ${version.dot}` : "–";
    const values = ["", state + size + expiry, version?.value ?? "–", written];
    const row = make("tr");
    values.forEach((value, index) => {
      const kinds = ["", "", "wrap mono", "wrap soft"];
      const cell = make("td", { "data-label": head[index], class: kinds[index] });
      if (index === 0 && place === 0) for (const name of group.names) cell.append(make("span", { class: "holder" }, chip(name), name));
      cell.append(value);
      row.append(cell);
    });
    return row;
  },
};
