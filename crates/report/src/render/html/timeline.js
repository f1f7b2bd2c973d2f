// The operators on an axis of seconds, and what of each is latency, transfer, work and waiting.

(() => {
  const PARTS = ["work", "latency", "transfer", "wait"];
  const TITLES = { work: "local work", latency: "latency", transfer: "transfer", wait: "waiting" };
  const TINTS = { work: "accent", latency: "accent-2", transfer: "match", wait: "accent-4" };
  const ROW = 18;
  const AXIS = 20;
  const LEAST = 0.25; // pixels: what is narrower is drawn as wide
  if (!report.time) return;
  const { time } = report;
  const canvas = byId("timeline");
  const tip = byId("tip");
  let now = 0;
  const slices = report.operators
    .filter((operator) => operator.seconds > 0)
    .map((operator) => {
      const start = now;
      now += operator.seconds;
      return { operator, start, end: now };
    });
  const total = now;
  let current = -1;

  /** Round numbers of seconds, few enough to be read. */
  function ticks(width) {
    const least = (total * 90) / width;
    const decade = 10 ** Math.floor(Math.log10(least));
    const step = [1, 2, 5, 10].map((factor) => factor * decade).find((candidate) => candidate >= least);
    return Array.from({ length: Math.floor(total / step) + 1 }, (_, i) => i * step);
  }

  function draw() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const width = canvas.clientWidth;
    const height = (PARTS.length + 1) * ROW + AXIS;
    const scale = window.devicePixelRatio || 1;
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const pen = canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.font = `11px ${getComputedStyle(document.body).fontFamily}`;
    pen.textBaseline = "middle";
    const x = (seconds) => (width * seconds) / total;
    pen.fillStyle = colour("line");
    for (const tick of ticks(width)) pen.fillRect(x(tick), 0, 1, height - AXIS + 4);
    slices.forEach(({ operator, start, end }, i) => {
      pen.fillStyle = colour(i === current ? "text" : i % 2 ? "module" : "accent-3");
      pen.fillRect(x(start), 0, Math.max(x(end) - x(start), LEAST), ROW - 2);
      let at = start;
      PARTS.forEach((part, row) => {
        const seconds = operator.time?.[part] ?? 0;
        pen.fillStyle = colour(TINTS[part]);
        if (seconds > 0) pen.fillRect(x(at), (row + 1) * ROW, Math.max(x(seconds), LEAST), ROW - 2);
        at += seconds;
      });
      const name = operator.name.slice(operator.name.lastIndexOf("/") + 1);
      if (i !== current && pen.measureText(name).width < x(end) - x(start) - 6) {
        pen.fillStyle = colour("text");
        pen.fillText(name, x(start) + 3, ROW / 2);
      }
    });
    pen.fillStyle = colour("faint");
    for (const tick of ticks(width)) {
      const text = duration(tick);
      pen.fillText(text, Math.min(x(tick) + 2, width - pen.measureText(text).width), height - AXIS / 2);
    }
  }

  function show(i, left, top) {
    const { operator, start } = slices[i];
    const row = (part) => make("tr", {}, make("td", { class: "left" }, TITLES[part]), make("td", {}, duration(operator.time?.[part] ?? 0)));
    tip.replaceChildren(
      make("b", {}, `${operator.name} (${operator.op})`),
      make("div", { class: "faint" }, `${duration(operator.seconds)} from ${duration(start)} on, ${percent(operator.seconds, total)} of the time`),
      make("table", { class: "numbers" }, ...PARTS.map(row)),
    );
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(left + 14, window.innerWidth - box.width - 8))}px`;
    tip.style.top = `${top + 18 + box.height > window.innerHeight ? top - box.height - 10 : top + 18}px`;
  }

  function pick(i, left, top) {
    current = i;
    draw();
    if (i < 0) tip.hidden = true;
    else show(i, left, top);
  }

  canvas.addEventListener("mousemove", (event) => {
    const box = canvas.getBoundingClientRect();
    const seconds = (total * (event.clientX - box.left)) / box.width;
    pick(slices.findIndex(({ end }) => seconds < end), event.clientX, event.clientY);
  });
  canvas.addEventListener("mouseleave", () => pick(-1));
  canvas.addEventListener("blur", () => pick(-1));
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const next = Math.max(0, Math.min(slices.length - 1, current + step));
    const box = canvas.getBoundingClientRect();
    pick(next, box.left + (box.width * slices[next].start) / total, box.top + ROW);
    event.preventDefault();
  });

  const share = (part) => `${TITLES[part]} ${duration(time[part])} (${percent(time[part], time.seconds) || "0 %"})`;
  const speed = time.bandwidth === undefined ? "unlimited bandwidth" : `${digits.format(time.bandwidth / 1e6)} Mbit/s`;
  const basis = time.machine === "none" ? "without local work" : `machine ${time.machine} (${time.evidence})`;
  byId("time").hidden = false;
  byId("predicted").textContent = `${duration(time.seconds)} predicted for ${time.phases.join(" and ")} on ${time.network} (${speed}, ${duration(time.rtt)} there and back), ${basis}.`;
  byId("spent").replaceChildren(...PARTS.flatMap((part) => [make("i", { class: `part-${part}` }), share(part)]));
  const path = time.critical_path === undefined ? "" : ` ${duration(time.critical_path)} if independent operators ran side by side.`;
  byId("bounds").textContent = `One operator after the other. At least ${duration(time.transfer)} on this link, ${duration(time.work)} on this processor.${path}`;
  new ResizeObserver(draw).observe(canvas.parentElement);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
})();
