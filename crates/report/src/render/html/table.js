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
  let largest = 1;

  function makeColumns() {
    largest = all.reduce((most, operator) => Math.max(most, amount(operator)), 1);
    const share = (operator) => amount(operator);
    columns = [
      { title: "#", value: (operator) => operator.index, text: (n) => String(n) },
      { title: "operator", left: true, value: (operator) => operator.name, text: pathName },
      { title: "op", left: true, value: (operator) => operator.op },
      ...(passes.size > 1 ? [{ title: "pass", left: true, value: (operator) => operator.pass }] : []),
      { title: "output", value: (operator) => operator.outputs[0]?.shape?.map((n) => n ?? "?").join("×") ?? "" },
      ...(view.phase === "all" ? phases : [view.phase]).map((phase) => ({
        title: `${phase} bytes`,
        value: (operator) => amount(operator, "bytes", [phase]),
        text: (n) => number(n, "bytes"),
        sum: true,
      })),
      ...["messages", "rounds"].map((quantity) => ({
        title: quantity,
        value: ofPhases(quantity),
        text: (n) => number(n, quantity),
        sum: true,
      })),
      { title: `% of ${view.quantity}`, value: share, text: shareBar, sum: true },
    ];
  }

  function shareBar(n) {
    const bar = make("span", { class: "share" }, make("i", { style: `width:${(100 * n) / largest}%` }));
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
    const compare = (a, b) => {
      const [x, y] = [column.value(a), column.value(b)];
      const order = typeof x === "number" ? x - y : x.localeCompare(y);
      return (sorted.descending ? -order : order) || a.index - b.index;
    };
    return { column, operators: [...operators].sort(compare) };
  }

  function header(sortedBy) {
    const cell = (column) => {
      const click = () => {
        const again = column === sortedBy;
        sorted = { title: column.title, descending: again ? !sorted.descending : Boolean(column.sum) };
        draw();
      };
      const order = sorted.descending ? "descending" : "ascending";
      const attributes = { class: column.left ? "left" : "", "aria-sort": column === sortedBy ? order : null };
      return make("th", attributes, make("button", { onclick: click }, column.title));
    };
    return make("thead", {}, make("tr", {}, ...columns.map(cell)));
  }

  function row(operator) {
    const cell = (column) => {
      const value = column.value(operator);
      return make("td", { class: column.left ? "left" : "" }, column.text ? column.text(value) : value);
    };
    return make("tr", { class: amount(operator) === 0 ? "none" : "" }, ...columns.map(cell));
  }

  function sums(operators, name, kind) {
    const cell = (column) => {
      if (column.title === "operator") return make("td", { class: "left" }, name);
      if (!column.sum) return make("td");
      const sum = operators.reduce((all, operator) => all + column.value(operator), 0);
      return make("td", {}, column.text === shareBar ? percent(sum, amount(report.totals)) : column.text(sum));
    };
    return make("tr", { class: kind }, ...columns.map(cell));
  }

  function draw() {
    makeColumns();
    const { column, operators } = sort(filter());
    const shown = operators.slice(0, limit);
    const rest = operators.slice(limit);
    const body = make("tbody", {}, ...shown.map(row));
    if (rest.length > 0) body.append(sums(rest, `and ${rest.length} more`, "rest"));
    const name = operators.length === all.length ? "total" : "total of these";
    byId("table").replaceChildren(header(column), body, make("tfoot", {}, sums(operators, name, "")));
    byId("filtered").textContent = operators.length === all.length ? `${all.length}` : `${operators.length} of ${all.length}`;
    byId("more").hidden = rest.length === 0;
    byId("more").textContent = `Show ${Math.min(MORE, rest.length)} more`;
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
