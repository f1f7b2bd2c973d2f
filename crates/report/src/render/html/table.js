// The table of operators.

const table = (() => {
  const FIRST = 40;
  const MORE = 400;
  const all = report.operators;
  const phases = PHASES.filter((phase) => report.totals[phase].bytes > 0);
  const passes = new Set(all.map((operator) => operator.pass));
  const ofPhases = (quantity) => (operator) => amount(operator, quantity);
  let columns = [];
  let sorted = { title: null, descending: true };
  let limit = FIRST;
  const opened = new Set(); // names of folded rows that were opened

  function makeColumns() {
    const several = view.phase === "all" && phases.length > 1;
    const share = (operator) => amount(operator);
    columns = [
      { title: "#", kind: "index", value: (operator) => operator.index, text: (n) => String(n) },
      { title: "operator", kind: "operator", left: true, value: (operator) => operator.name, text: pathName },
      { title: "op", kind: "op", left: true, value: (operator) => operator.op },
      ...(passes.size > 1 ? [{ title: "pass", kind: "pass", left: true, value: (operator) => operator.pass }] : []),
      { title: "output", kind: "output", value: (operator) => operator.outputs[0]?.shape?.map((n) => n ?? "?").join("×") ?? "" },
      ...(several ? phases : []).map((phase) => ({
        title: `${phase} bytes`,
        kind: "phase",
        value: (operator) => amount(operator, "bytes", [phase]),
        text: (n) => number(n, "bytes"),
        sum: true,
      })),
      ...QUANTITIES.map((quantity) => ({
        title: quantity,
        kind: quantity === "bytes" && several ? "bytes narrow" : quantity,
        value: ofPhases(quantity),
        text: (n) => number(n, quantity),
        sum: true,
      })),
      { title: `% of ${view.quantity}`, kind: "part", value: share, text: shareBar, sum: true },
    ];
  }

  function shareBar(n) {
    const bar = make("span", { class: "share" }, make("i", { style: `width:${(100 * n) / (amount(report.totals) || 1)}%` }));
    return make("span", {}, bar, make("span", { class: "percent" }, percent(n, amount(report.totals))));
  }

  // Words of a filter: op:Conv and module:layer1/0 are exact, others occur in the name or operator.
  function filter() {
    const words = byId("filter").value.trim().split(/\s+/).filter(Boolean);
    const tests = words.map((word) => {
      const [, key, value] = /^(op|module|pass):(.+)$/.exec(word) ?? [];
      if (key === "op") return (o) => o.op === value;
      if (key === "pass") return (o) => o.pass === value;
      if (key === "module") return (o) => `${o.scope.join("/") || "(no module)"}/`.startsWith(`${value}/`);
      return (o) => `${o.name} ${o.op}`.toLowerCase().includes(word.toLowerCase());
    });
    return tests.length === 0 ? all : all.filter((operator) => tests.every((test) => test(operator)));
  }

  function sort(operators) {
    const column = columns.find((candidate) => candidate.title === sorted.title) ?? columns.at(-1);
    const alike = (operator) => JSON.stringify([operator.op, operator.pass, PHASES.map((phase) => operator[phase])]);
    const value = ({ members }) => (column.sum ? members.length : 1) * column.value(members[0]);
    const text = ({ members }) => column.value(members[0]);
    const numeric = operators.length > 0 && typeof column.value(operators[0]) === "number";
    const compare = (a, b) => {
      const order = numeric ? value(a) - value(b) : text(a).localeCompare(text(b));
      return (sorted.descending ? -order : order) || a.members[0].index - b.members[0].index;
    };
    return { column, groups: fold(operators, (operator) => operator.name, alike).sort(compare) };
  }

  function header(sortedBy) {
    const cell = (column) => {
      const click = () => {
        const again = column === sortedBy;
        sorted = { title: column.title, descending: again ? !sorted.descending : Boolean(column.sum) };
        draw();
      };
      const order = sorted.descending ? "descending" : "ascending";
      const attributes = { class: classes(column), "aria-sort": column === sortedBy ? order : null };
      return make("th", attributes, make("button", { onclick: click }, column.title));
    };
    return make("thead", {}, make("tr", {}, ...columns.map(cell)));
  }

  function classes(column) {
    return `${column.kind}${column.left ? " left" : ""}`;
  }

  function row(operator, kind = "") {
    const cell = (column) => {
      const value = column.value(operator);
      return make("td", { class: classes(column) }, column.text ? column.text(value) : value);
    };
    return make("tr", { class: `${kind} ${amount(operator) === 0 ? "none" : ""}` }, ...columns.map(cell));
  }

  /** The rows of operators that are alike: one for all of them, and when it was opened one for each. */
  function rows({ name, members }) {
    if (members.length === 1) return [row(members[0])];
    const key = `${members[0].pass} ${name}`;
    const open = opened.has(key);
    const toggle = () => {
      if (open) opened.delete(key);
      else opened.add(key);
      draw();
    };
    const cell = (column) => {
      const first = column.value(members[0]);
      if (column.kind === "operator") {
        return make("td", { class: classes(column) }, make("button", { class: "fold", "aria-expanded": String(open), onclick: toggle }, pathName(name)));
      }
      if (column.kind === "index") return make("td", { class: classes(column) });
      const value = column.sum ? members.length * first : first;
      const same = column.sum || members.every((operator) => column.value(operator) === first);
      return make("td", { class: classes(column) }, same ? (column.text ? column.text(value) : value) : "");
    };
    const all = make("tr", { class: amount(members[0]) === 0 ? "none" : "" }, ...columns.map(cell));
    return open ? [all, ...members.map((operator) => row(operator, "member"))] : [all];
  }

  function sums(operators, name, kind) {
    const cell = (column) => {
      if (column.kind === "operator") return make("td", { class: classes(column) }, name);
      if (!column.sum) return make("td", { class: classes(column) });
      const sum = operators.reduce((all, operator) => all + column.value(operator), 0);
      return make("td", { class: classes(column) }, column.text === shareBar ? percent(sum, amount(report.totals)) : column.text(sum));
    };
    return make("tr", { class: kind }, ...columns.map(cell));
  }

  function draw() {
    makeColumns();
    const operators = filter();
    const { column, groups } = sort(operators);
    const shown = groups.slice(0, limit);
    const rest = groups.slice(limit).flatMap(({ members }) => members);
    const body = make("tbody", {}, ...shown.flatMap(rows));
    if (rest.length > 0) body.append(sums(rest, `and ${rest.length} more`, "rest"));
    const name = operators.length === all.length ? "total" : "total of these";
    byId("table").replaceChildren(header(column), body, make("tfoot", {}, sums(operators, name, "")));
    byId("filtered").textContent = operators.length === all.length ? `${all.length}` : `${operators.length} of ${all.length}`;
    byId("more").hidden = rest.length === 0;
    byId("more").textContent = `Show ${Math.min(MORE, groups.length - limit)} more`;
  }

  byId("more").addEventListener("click", () => {
    limit += MORE;
    draw();
  });
  byId("filter").addEventListener("input", () => {
    limit = FIRST;
    draw();
  });
  watch(draw);

  /** Filters, and scrolls there. */
  function reveal(text) {
    byId("filter").value = text;
    limit = FIRST;
    draw();
    byId("operators").scrollIntoView({ behavior: "smooth", block: "start" });
  }
  return { reveal };
})();
