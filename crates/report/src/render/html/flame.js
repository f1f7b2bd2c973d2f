// The flame graph of the call tree.

const flame = (() => {
  const ROW = 20;
  const LEAST = 0.5; // pixels: narrower frames are not drawn
  const canvas = byId("graph");
  const tip = byId("tip");
  const colours = {};
  let frames = []; // what is drawn, by row
  let focus;
  let current = null;
  let pattern = "";

  // Modules end where an operator begins, and what an operator calls are protocols.
  function frame(node, parent, kind) {
    const own = node.op === undefined ? kind : "operator";
    const result = { node, parent, kind: own, depth: parent ? parent.depth + 1 : 0, children: [], sum: 0 };
    const below = own === "module" ? "module" : "call";
    result.children = (node.children ?? [])
      .filter((child) => child.name !== "(messages)") // what the frame itself sends
      .map((child) => frame(child, result, below));
    return result;
  }
  const root = frame({ name: "all", times: 1, children: report.calls, ...report.totals }, null, "module");
  focus = root;

  // Calls side by side share their rounds, which stay with the frame above them.
  function measure(frame, shared) {
    frame.sum = shared ? 0 : amount(frame.node);
    const side = shared || (view.quantity === "rounds" && frame.node.name === "parallel");
    frame.children.forEach((child) => measure(child, side));
  }

  function fullName(frame) {
    return frame.node.op ? `${frame.node.name} (${frame.node.op})` : frame.node.name;
  }

  function label(frame) {
    const name = frame.node.name;
    return frame.kind === "operator" ? name.slice(name.lastIndexOf("/") + 1) || name : name;
  }

  function matches(frame) {
    return pattern !== "" && fullName(frame).toLowerCase().includes(pattern);
  }

  function draw() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["module", "accent", "call", "call-2", "match", "text", "on-accent", "back"]) {
      colours[name] = style.getPropertyValue(`--${name}`).trim();
    }
    const width = canvas.clientWidth;
    lay(width);
    const rows = frames.length;
    const scale = window.devicePixelRatio || 1;
    canvas.style.height = `${rows * ROW}px`;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(rows * ROW * scale);
    const pen = canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    pen.textBaseline = "middle";
    frames.flat().forEach((drawn) => paint(pen, drawn));
    paintPath();
  }

  /** Finds out where frames are: those above the focus in full width, it and those below in proportion. */
  function lay(width) {
    frames = ancestors(focus).slice(0, -1).map((frame) => [{ frame, left: 0, width }]);
    place(focus, 0, width);
  }

  function place(frame, left, width) {
    if (frame.sum === 0 || width < LEAST) return;
    (frames[frame.depth] ??= []).push({ frame, left, width });
    let at = left;
    // Calls side by side wait together, and are longer one after the other than the frame above them.
    const whole = Math.max(frame.sum, frame.children.reduce((sum, child) => sum + child.sum, 0));
    for (const child of frame.children) {
      const share = (width * child.sum) / whole;
      place(child, at, share);
      at += share;
    }
  }

  function paint(pen, { frame, left, width }) {
    const top = frame.depth * ROW;
    const match = matches(frame);
    const colour = { module: "module", operator: "accent", call: frame.depth % 2 ? "call" : "call-2" }[frame.kind];
    pen.globalAlpha = pattern !== "" && !match ? 0.35 : 1;
    pen.fillStyle = colours[match ? "match" : colour];
    pen.fillRect(left, top, Math.max(width - 1, LEAST), ROW - 1);
    pen.globalAlpha = 1;
    if (frame === current) {
      pen.strokeStyle = colours.text;
      pen.strokeRect(left + 0.5, top + 0.5, Math.max(width - 2, 1), ROW - 2);
    }
    if (width > 26) {
      pen.fillStyle = colours[match ? "on-accent" : frame.kind === "operator" ? "on-accent" : "text"];
      pen.fillText(fit(pen, label(frame), width - 9), left + 4, top + ROW / 2);
    }
  }

  function fit(pen, text, width) {
    const full = pen.measureText(text).width;
    if (full <= width) return text;
    const keep = Math.floor((text.length * width) / full) - 1;
    return keep > 1 ? `${text.slice(0, keep)}…` : "";
  }

  function ancestors(frame) {
    const path = [];
    for (let at = frame; at; at = at.parent) path.unshift(at);
    return path;
  }

  function paintPath() {
    const links = ancestors(focus).flatMap((frame, i) => [
      ...(i > 0 ? [" / "] : []),
      make("button", { onclick: () => zoom(frame) }, label(frame)),
    ]);
    const what = view.quantity === "seconds" ? "seconds predicted for it" : `${view.quantity} sent under it`;
    const hint = `A frame is as wide as the ${what}, in order of execution. Click or Enter zooms in, Escape out; arrow keys move.`;
    byId("path").replaceChildren(...(focus === root ? [hint] : links));
    const found = pattern === "" ? 0 : matched(root);
    byId("matched").textContent = pattern === "" ? "" : `${percent(found, root.sum) || "0 %"} of ${view.quantity}`;
  }

  /** What matching frames send; those below a matching one are in it already. */
  function matched(frame) {
    return matches(frame) ? frame.sum : frame.children.reduce((sum, child) => sum + matched(child), 0);
  }

  function zoom(frame) {
    focus = frame;
    current = frame;
    hide();
    draw();
  }

  function at(event) {
    const box = canvas.getBoundingClientRect();
    const row = frames[Math.floor((event.clientY - box.top) / ROW)] ?? [];
    const x = event.clientX - box.left;
    return row.find((drawn) => x >= drawn.left && x < drawn.left + drawn.width);
  }

  function hide() {
    tip.hidden = true;
  }

  function show(frame, x, y) {
    const kind = { module: "module", operator: "operator", call: "protocol call" }[frame.kind];
    const times = frame.kind === "module" ? "" : `, ${frame.node.times === 1 ? "once" : `${digits.format(frame.node.times)} times`}`;
    const rows = PHASES.filter((phase) => frame.node[phase]?.messages).map((phase) =>
      make(
        "tr",
        {},
        make("td", { class: "left" }, phase),
        ...QUANTITIES.map((quantity) => make("td", {}, exact(frame.node[phase][quantity] ?? 0, quantity === "bytes" ? "plain" : quantity))),
      ),
    );
    const shares = frame.parent
      ? `${percent(frame.sum, root.sum)} of all ${view.quantity}, ${percent(frame.sum, frame.parent.sum)} of the frame above`
      : "";
    tip.replaceChildren(
      make("b", {}, fullName(frame)),
      make("div", { class: "faint" }, kind + times),
      make("div", {}, shares),
      make("table", { class: "numbers" }, make("tr", {}, make("th", { class: "left" }, "phase"), ...QUANTITIES.map((q) => make("th", {}, q))), ...rows),
    );
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(x + 14, window.innerWidth - box.width - 8))}px`;
    tip.style.top = `${y + 18 + box.height > window.innerHeight ? y - box.height - 10 : y + 18}px`;
  }

  canvas.addEventListener("mousemove", (event) => {
    const drawn = at(event);
    if (drawn) show(drawn.frame, event.clientX, event.clientY);
    else hide();
  });
  canvas.addEventListener("mouseleave", hide);
  canvas.addEventListener("click", (event) => {
    const drawn = at(event);
    if (drawn) zoom(drawn.frame);
  });
  canvas.addEventListener("blur", () => {
    hide();
    current = null;
    draw();
  });
  canvas.addEventListener("keydown", (event) => {
    const from = current ?? focus;
    const seen = (frame) => frame?.sum > 0;
    const beside = (step) => {
      const row = frames[from.depth] ?? [];
      return row[row.findIndex((drawn) => drawn.frame === from) + step]?.frame;
    };
    const moves = {
      ArrowDown: () => from.children.filter(seen).reduce((most, child) => (most && most.sum >= child.sum ? most : child), null),
      ArrowUp: () => from.parent,
      ArrowLeft: () => beside(-1),
      ArrowRight: () => beside(1),
    };
    if (event.key in moves) {
      current = moves[event.key]() ?? from;
      draw();
      const drawn = frames[current.depth]?.find((candidate) => candidate.frame === current);
      const box = canvas.getBoundingClientRect();
      if (drawn) show(current, box.left + drawn.left, box.top + (current.depth + 1) * ROW);
    } else if (event.key === "Enter") {
      zoom(from);
    } else if (event.key === "Escape") {
      zoom(focus.parent ?? root);
    } else {
      return;
    }
    event.preventDefault();
  });
  byId("search").addEventListener("input", (event) => search(event.target.value));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !(event.target instanceof HTMLInputElement)) {
      byId("search").focus();
      event.preventDefault();
    }
  });
  new ResizeObserver(draw).observe(canvas.parentElement);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

  function search(text) {
    pattern = text.trim().toLowerCase();
    draw();
  }

  /** Zooms to the frame at the end of a path, and scrolls there. Only training has a frame for each pass. */
  function reveal(pass, names) {
    const step = (frame, name) => frame.children.find((child) => child.node.name === name) ?? frame;
    zoom(names.reduce(step, report.passes ? step(root, pass) : root));
    byId("flame").scrollIntoView({ behavior: "smooth", block: "start" });
  }

  function find(text) {
    byId("search").value = text;
    search(text);
    byId("flame").scrollIntoView({ behavior: "smooth", block: "start" });
  }

  /** Protocol calls, each chain cut at two levels below its operator; they add up to the whole. */
  function protocols() {
    const sums = new Map();
    const add = (chain, sum) => sum > 0 && sums.set(chain, (sums.get(chain) ?? 0) + sum);
    const walk = (frame, chain, level) => {
      const structure = frame.kind !== "call" || ["parallel", "branch"].includes(frame.node.name);
      const here = structure ? chain : chain === "" ? frame.node.name : `${chain} › ${frame.node.name}`;
      const depth = structure ? level : level + 1;
      if (depth === 2) {
        add(here, frame.sum);
        return;
      }
      add(here || `(${frame.node.op ?? frame.node.name} itself)`, frame.sum - frame.children.reduce((sum, child) => sum + child.sum, 0));
      frame.children.forEach((child) => walk(child, here, depth));
    };
    walk(root, "", 0);
    return [...sums].map(([name, sum]) => ({ name, sum }));
  }

  watch(() => {
    measure(root, false);
    if (focus.sum === 0) focus = root;
    draw();
  });
  return { reveal, find, protocols };
})();
