// Summary, rankings, modules, links and evidence.

function choice(id, key, options) {
  const draw = () => {
    const button = ({ name, title, off }) =>
      make("button", { "aria-pressed": String(view[key] === name), disabled: off ? "" : null, onclick: () => change({ [key]: name }) }, title);
    byId(id).replaceChildren(...options.map(button));
  };
  watch(draw);
}

function totals() {
  const quantities = [...QUANTITIES.slice(0, 3), "flights", ...QUANTITIES.slice(3)];
  const silent = (costs) => quantities.every((quantity) => !costs[quantity]);
  const row = (name, costs) => {
    const cells = quantities.map((quantity) => {
      const band = quantity === "bytes" && costs.uncertainty ? [make("span", { class: "band" }, ` ± ${exact(costs.uncertainty.bytes)}`)] : [];
      return make("td", { class: quantity }, number(costs[quantity] ?? 0, quantity), ...band);
    });
    return make("tr", { class: silent(costs) ? "none" : "" }, make("td", { class: "left" }, name), ...cells);
  };
  const sum = Object.fromEntries(quantities.map((quantity) => [quantity, amount(report.totals, quantity, PHASES)]));
  byId("totals").replaceChildren(
    make("thead", {}, make("tr", {}, make("th", { class: "left" }, "phase"), ...quantities.map((quantity) => make("th", { class: quantity }, quantity)))),
    make("tbody", {}, ...PHASES.map((phase) => row(phase, report.totals[phase]))),
    make("tfoot", {}, row("total", sum)),
  );
}

function ranking(title, groups, click) {
  const TOP = 5;
  const total = amount(report.totals);
  const sorted = groups.filter((entry) => entry.sum > 0).sort((a, b) => b.sum - a.sum);
  const shown = sorted.slice(0, sorted.length === TOP + 1 ? TOP + 1 : TOP);
  const rest = sorted.slice(shown.length);
  const row = (entry) =>
    make(
      "button",
      { class: "rank", onclick: () => click(entry) },
      pathName(entry.name),
      number(entry.sum),
      make("span", { class: "percent" }, percent(entry.sum, total)),
      make("span", { class: "track" }, make("i", { style: `width:${(100 * entry.sum) / total}%` })),
    );
  const sum = rest.reduce((all, entry) => all + entry.sum, 0);
  const last = make("div", { class: "rank rest" }, make("span", {}, `and ${rest.length} more`), number(sum), make("span", { class: "percent" }, percent(sum, total)));
  return make("div", {}, make("h3", {}, title), ...shown.map(row), ...(rest.length > 0 ? [last] : []));
}

/** Modules that cost the same in places alike are one. */
function places() {
  const sums = new Map();
  for (const operator of report.operators) {
    const name = placeOf(operator);
    const place = sums.get(name) ?? { name, sum: 0, first: operator };
    place.sum += amount(operator);
    sums.set(name, place);
  }
  return fold([...sums.values()], (place) => place.name, (place) => place.sum).map(({ name, members }) => ({
    name,
    sum: members.length * members[0].sum,
    first: members[0].first,
  }));
}

function foldedOperators() {
  const alike = (operator) => `${operator.op} ${operator.pass} ${amount(operator)}`;
  return fold(report.operators, (operator) => operator.name, alike).map(({ name, members }) => ({
    name,
    sum: members.length * amount(members[0]),
    first: members[0],
  }));
}

function rankings() {
  const operators = report.operators;
  const passes = group(operators, (operator) => operator.pass, (operator) => amount(operator));
  byId("ranks").replaceChildren(
    ...(passes.length > 1 ? [ranking("Passes", passes, (entry) => table.reveal(`pass:${entry.name}`))] : []),
    ranking("Places", places(), (entry) => flame.reveal(entry.first.pass, [...entry.first.scope, ...(entry.first.scope.length > 0 ? [] : [entry.first.name])])),
    ranking("Kinds of operator", group(operators, (operator) => operator.op, (operator) => amount(operator)), (entry) => table.reveal(`op:${entry.name}`)),
    ...(operators.some((operator) => operator.scope.length > 0) ? [ranking("Operators", foldedOperators(), ({ first }) => flame.reveal(first.pass, [...first.scope, first.name]))] : []),
    ranking("Protocol calls", flame.protocols(), (entry) => flame.find(entry.name.split(" › ").at(-1))),
  );
}

/** Bars that are shown before one row for the rest. */
const MOST_BARS = 100;

// The first level at which no module has most of it all, so that the chart says something.
function usefulDepth(deepest) {
  const total = amount(report.totals);
  for (let depth = 1; depth < deepest; depth += 1) {
    const groups = group(report.operators, (operator) => moduleOf(operator, depth), (operator) => amount(operator));
    const worth = groups.filter((entry) => entry.sum > 0);
    if (worth.length > 2 && worth.every((entry) => entry.sum < 0.75 * total)) return depth;
  }
  return deepest;
}

function modules() {
  const deepest = report.operators.reduce((depth, operator) => Math.max(depth, operator.scope.length), 0);
  byId("modules").hidden = deepest === 0;
  let depth = usefulDepth(deepest);
  const draw = () => {
    const total = amount(report.totals);
    const kinds = group(report.operators, (operator) => operator.op, (operator) => amount(operator));
    const main = kinds.filter((kind) => kind.sum > 0).sort((a, b) => b.sum - a.sum).slice(0, 3).map((kind) => kind.name);
    const bars = new Map();
    for (const operator of report.operators) {
      const name = moduleOf(operator, depth);
      if (!bars.has(name)) bars.set(name, { name, scope: operator.scope.slice(0, depth), parts: [0, 0, 0, 0], sum: 0 });
      const bar = bars.get(name);
      const kind = main.indexOf(operator.op);
      bar.parts[kind < 0 ? 3 : kind] += amount(operator);
      bar.sum += amount(operator);
    }
    const worth = [...bars.values()].filter((bar) => bar.sum > 0);
    const folded = fold(worth, (bar) => bar.name, (bar) => bar.parts.join(" "));
    const shown = folded.slice(0, MOST_BARS);
    const hidden = folded.slice(MOST_BARS);
    const part = (sum, kind) =>
      sum === 0 ? "" : make("i", { class: `tint-${kind}`, style: `width:${(100 * sum) / total}%`, title: `${main[kind] ?? "other"}: ${exact(sum)}` });
    const row = ({ name, members }) => {
      const sum = members.length * members[0].sum;
      return make(
        "button",
        { class: "bar", onclick: () => flame.reveal("forward", members[0].scope) },
        pathName(name),
        make("span", { class: "stack" }, ...members[0].parts.map((sum, kind) => part(members.length * sum, kind))),
        number(sum),
        make("span", { class: "percent" }, percent(sum, total)),
      );
    };
    const rest = hidden.reduce((all, { members }) => all + members.length * members[0].sum, 0);
    const last = make("div", { class: "bar rest" }, make("span", {}, `and ${hidden.length} more`), make("span"), number(rest), make("span", { class: "percent" }, percent(rest, total)));
    byId("bars").replaceChildren(...shown.map(row), ...(hidden.length > 0 ? [last] : []));
    const names = kinds.filter((kind) => kind.sum > 0).length > 3 ? [...main, "other"] : main;
    byId("kinds").replaceChildren(...names.flatMap((name, i) => [make("i", { class: `tint-${name === "other" ? 3 : i}` }), name]));
    byId("depth").textContent = `${depth} ${depth === 1 ? "level" : "levels"}`;
    byId("shallower").disabled = depth <= 1;
    byId("deeper").disabled = depth >= deepest;
  };
  const step = (by) => () => {
    depth += by;
    draw();
  };
  byId("shallower").addEventListener("click", step(-1));
  byId("deeper").addEventListener("click", step(1));
  watch(draw);
}

function party(number) {
  const name = report.framework.party_names?.[number];
  return name ? `${number} ${name}` : String(number);
}

function links() {
  const channels = report.links.some((link) => link.channel);
  const titles = ["phase", "from", "to", ...(channels ? ["channel"] : []), "bytes", "messages"];
  const left = titles.length - 2;
  const row = (link) => {
    const names = [link.phase, party(link.from), party(link.to), ...(channels ? [link.channel ?? ""] : [])];
    const numbers = [number(link.bytes, "bytes"), number(link.messages, "messages")];
    return make("tr", {}, ...names.map((name) => make("td", { class: "left" }, name)), ...numbers.map((n, i) => make("td", { class: titles[left + i] }, n)));
  };
  byId("traffic").replaceChildren(
    make("thead", {}, make("tr", {}, ...titles.map((title, i) => make("th", { class: i < left ? "left" : title }, title)))),
    make("tbody", {}, ...report.links.map(row)),
  );
}

/** What the numbers rest on: never a run of this model, but runs of the framework. */
function evidence() {
  const { name, version, measured, evidence: kind } = report.framework;
  if (kind === "formula") return "a publication's formulas, not what any framework sends";
  const runs = measured ? `exact on ${digits.format(measured.exact)} of ${digits.format(measured.runs)} measured runs` : "not compared with a run";
  return `modelled from ${name} ${version}, ${runs}`;
}

function facts() {
  const { model, framework, run } = report;
  const list = (title, entries) => {
    const rows = entries.filter(([, value]) => value !== undefined && value !== "");
    return make("div", {}, make("h3", {}, title), make("dl", {}, ...rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, String(value))])));
  };
  const own = report.operators.filter((operator) => operator.evidence);
  const others = group(own, (operator) => `${operator.op}: ${operator.evidence}`, () => 1).map(({ name, sum }) => `${name} (${sum})`);
  byId("facts").replaceChildren(
    list("Model", [
      ["file", model.file],
      [model.sha256_of ? `SHA-256 of ${model.sha256_of}` : "SHA-256", model.sha256],
      ["producer", model.producer],
      ["opset", model.opset],
      ["nodes", digits.format(model.nodes)],
      ["parameters", digits.format(model.parameters)],
    ]),
    list("Framework", [
      ["name", `${framework.name} ${framework.version}`],
      ["parties", Array.from({ length: framework.parties }, (_, i) => party(i)).join(", ")],
      ["security", framework.security],
      ["evidence", evidence()],
      ["evidence of operators", others.join("; ")],
    ]),
    list("Run", [
      ["phase", run.phase],
      ...Object.entries(run.training ?? {}).map(([name, value]) => [name.replaceAll("_", " "), value]),
      ["batch", run.batch],
      ...Object.entries(run.dims),
      ["weights", run.weights],
    ]),
    list("Counters, as the framework prints them", Object.entries(report.counters).map(([name, n]) => [name, digits.format(n)])),
    list("Parameters of the framework", Object.entries(framework.parameters)),
  );
}

function warnings() {
  const places = new Map();
  for (const { message, place, help } of report.diagnostics) {
    const text = help ? `${message} (${help})` : message;
    places.set(text, [...(places.get(text) ?? []), place]);
  }
  const one = ([message, where]) =>
    make(
      "div",
      { class: "warning" },
      message,
      where.length === 1
        ? make("div", { class: "faint" }, where[0])
        : make("details", {}, make("summary", {}, `at ${where.length} places`), ...where.map((place) => make("div", { class: "faint" }, place))),
    );
  const title = make("h3", {}, places.size === 0 ? "No warnings" : "Warnings");
  const worst = [...places].sort(([, a], [, b]) => b.length - a.length);
  byId("warnings").replaceChildren(title, ...worst.map(one));
}

const costly = (phase) => amount(report.totals, "messages", [phase]) > 0;
choice("quantities", "quantity", QUANTITIES.map((name) => ({ name, title: name })));
choice("phases", "phase", [{ name: "all", title: "all phases" }, ...PHASES.map((name) => ({ name, title: name, off: !costly(name) }))]);
totals();
watch(rankings);
modules();
links();
facts();
warnings();
