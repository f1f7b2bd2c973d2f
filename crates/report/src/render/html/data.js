"use strict";

// The report as `--format json` writes it, and what all parts of the page share: what is counted,
// sums over it, and how numbers are written.

const report = JSON.parse(document.getElementById("report").textContent);
const PHASES = ["setup", "offline", "online"];
const QUANTITIES = ["bytes", "messages", "rounds", ...(report.time ? ["seconds"] : [])];

const view = { quantity: "bytes", phase: "all" };
const watchers = [];

/** Runs now, and again whenever what is counted changes. */
function watch(draw) {
  watchers.push(draw);
  draw();
}

function change(setting) {
  Object.assign(view, setting);
  watchers.forEach((draw) => draw());
}

function shownPhases() {
  return view.phase === "all" ? PHASES : [view.phase];
}

/** What an object with costs by phase has of a quantity. */
function amount(costs, quantity = view.quantity, phases = shownPhases()) {
  let sum = 0;
  for (const phase of phases) sum += costs[phase]?.[quantity] ?? 0;
  return sum;
}

const digits = new Intl.NumberFormat("en");

/** Seconds to three digits, in a unit that fits. */
function duration(seconds) {
  if (seconds === 0) return "0";
  const [unit, scale] = seconds >= 1 ? ["s", 1] : seconds >= 1e-3 ? ["ms", 1e3] : ["µs", 1e6];
  return `${new Intl.NumberFormat("en", { maximumSignificantDigits: 3 }).format(scale * seconds)} ${unit}`;
}

/** Numbers beyond 2^53 lose their last digits here; the report in this page has them all. */
function exact(n, quantity = view.quantity) {
  if (quantity === "seconds") return duration(n);
  const text = `${Number.isSafeInteger(n) ? "" : "≈ "}${digits.format(n)}`;
  return quantity === "bytes" ? `${text} bytes` : text;
}

/** Two decimals and a binary unit; all digits on hover. */
function number(n, quantity = view.quantity) {
  if (n === 0) return make("span", { class: "number zero" }, "0");
  if (quantity === "seconds") {
    const [scaled, unit] = duration(n).split(" ");
    return make("span", { class: "number", title: `${n} s` }, scaled, make("span", { class: "unit" }, unit));
  }
  if (quantity !== "bytes") return make("span", { class: "number" }, digits.format(n));
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let unit = 0;
  let scaled = n;
  while (scaled >= 1024 && unit < units.length - 1) {
    scaled /= 1024;
    unit += 1;
  }
  const text = unit === 0 ? String(n) : scaled.toFixed(2);
  return make("span", { class: "number", title: exact(n, quantity) }, text, make("span", { class: "unit" }, units[unit]));
}

function percent(part, whole) {
  if (whole === 0) return "";
  const share = (100 * part) / whole;
  return part > 0 && share < 0.05 ? "< 0.1 %" : `${share.toFixed(1)} %`;
}

/** An element with attributes and children. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function byId(id) {
  return document.getElementById(id);
}

/** A path or a chain of calls, whose front gives way first where there is little room. */
function pathName(path) {
  const after = (mark) => (path.includes(mark) ? path.lastIndexOf(mark) + mark.length : 0);
  const cut = Math.max(after("/"), after(" › "));
  return make(
    "span",
    { class: "name", title: path },
    make("span", { class: "folder" }, path.slice(0, cut)),
    make("span", { class: "leaf" }, path.slice(cut) || path),
  );
}

/** Adds up items under the same key, in order of first appearance. */
function group(items, key, value) {
  const sums = new Map();
  for (const item of items) sums.set(key(item), (sums.get(key(item)) ?? 0) + value(item));
  return [...sums].map(([name, sum]) => ({ name, sum }));
}

function moduleOf(operator, depth) {
  return operator.scope.slice(0, depth).join("/") || "(no module)";
}
