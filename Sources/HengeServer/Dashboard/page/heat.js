// What clients ask for most.
const heat = {
  last: null,

  update(told) {
    this.last = told;
    this.keys(told);
    ring.warmth = told.minutes[told.minutes.length - 1] ?? [];
    ring.render();
    this.map();
  },

  keys(told) {
    const all = told.reads + told.writes;
    const listed = told.keys.slice(0, 12);
    const most = listed.length > 0 ? listed[0].reads + listed[0].writes : 1;
    const create = (key) => {
      const item = makeBar();
      const name = shown(key.key) ?? `token ${key.token}`;
      const label = item.querySelector(".line").firstElementChild;
      const bucket = shown(key.bucket);
      if (typeof key.key === "string" && typeof key.bucket === "string" && !key.cut) {
        const button = make("button", { type: "button", title: "Look up" }, name);
        button.addEventListener("click", () => lookup.show(key.bucket, key.key));
        label.append(button);
      } else {
        label.append(make("b", {}, key.cut ? `${name}…` : name));
      }
      if (bucket && bucket !== "default") label.append(make("span", { class: "soft" }, ` in ${bucket}`));
      return item;
    };
    keyed(byID("hot"), listed, (k) => k.token + (k.key === null ? "" : "k"), create, (item, key) => {
      const count = key.reads + key.writes;
      const error = key.error > 0 ? ` ±${short(key.error)}` : "";
      const share = all > 0 ? percent(count / all) : "–";
      say(item.querySelector(".line").lastElementChild, `${grouped(count)}${error}, ${share}`);
      fillBar(item, count / Math.max(1, most));
    });
    const rate = told.seconds > 0 ? `, ${short(all / told.seconds)} a second` : "";
    say(byID("hot-note"), `${grouped(told.reads)} reads and ${grouped(told.writes)} writes in ${age(told.seconds)}${rate}. `
      + `A key that is not listed had ${grouped(told.error_max)} at most.`);
  },

  // A row for each stretch of the tokens, a column for each minute.
  map() {
    if (!this.last) return;
    const minutes = this.last.minutes;
    const ranges = minutes[0]?.length ?? 0;
    const canvas = byID("heat");
    if (ranges === 0) return;
    const columns = 60;
    canvas.width = columns;
    canvas.height = ranges;
    const context = canvas.getContext("2d");
    const [r, g, b] = getComputedStyle(document.documentElement).getPropertyValue("--heat").trim().split(" ").map(Number);
    const most = Math.max(1, ...minutes.flat());
    const image = context.createImageData(columns, ranges);
    minutes.forEach((minute, index) => {
      const column = columns - minutes.length + index;
      minute.forEach((count, range) => {
        const at = (range * columns + column) * 4;
        image.data.set([r, g, b, count === 0 ? 0 : 30 + Math.round(225 * Math.sqrt(count / most))], at);
      });
    });
    context.putImageData(image, 0, 0);
    const latest = minutes[minutes.length - 1];
    const hottest = latest.indexOf(Math.max(...latest));
    const token = (range) => (range * 1024 / ranges * 64).toString(16).padStart(4, "0");
    const text = `From left to right the last hour, now at the right; from top to bottom the tokens 0000… to ffff…. `
      + `Darkest: ${grouped(most)} requests a minute. Now warmest: tokens from ${token(hottest)}….`;
    say(byID("heat-note"), text.replace("Darkest", document.documentElement.dataset.theme === "dark" ? "Brightest" : "Darkest"));
    mark(canvas, "aria-label", `Requests by token and minute. ${text}`);
  },
};
