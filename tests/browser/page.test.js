// What a reader does with the page: look, click, zoom, search, sort, use the keyboard, on a desk and on a
// telephone, by day and by night. Nothing may be cut off or scroll sideways, and no error may be logged.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

import { chromium } from "playwright-core";

const models = new URL("../../fixtures/models/", import.meta.url).pathname;
const screenshots = new URL("screenshots/", import.meta.url).pathname;
const axe = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const folder = mkdtempSync(join(tmpdir(), "hawkeye-pages-"));
const speedscope = new URL("node_modules/speedscope/dist/release/index.html", import.meta.url).href;
const sizes = { desk: { width: 1280, height: 900 }, telephone: { width: 390, height: 844 } };

const runs = {
  inference: ["profile", "resnet50.onnx", "-f", "cryptflow2", "--batch", "1"],
  layers: ["profile", "bert_base.onnx", "-f", "crypten", "--batch", "1", "--dim", "seq=128"],
  time: ["profile", "resnet18.onnx", "-f", "crypten", "--batch", "1", "--network", "wan-100m"],
  training: ["profile", "lenet5.onnx", "-f", "crypten", "--train", "cross_entropy"],
  comparison: ["compare", "bert_base.onnx", "-f", "crypten", "-f", "spu-semi2k", "--batch", "1", "--dim", "seq=128"],
  budget: ["budget", "resnet18.onnx", "-f", "crypten", "--batch", "1"],
};

let browser;
before(async () => {
  mkdirSync(screenshots, { recursive: true });
  for (const [name, run] of Object.entries(runs)) {
    execFileSync(process.env.HAWKEYE, [...run, "-o", join(folder, `${name}.html`)], { cwd: models });
  }
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

/** Opens a page, hands it to a function, and holds it to having logged no error. */
async function open(name, options, use) {
  const context = await browser.newContext({ viewport: sizes.desk, reducedMotion: "reduce", bypassCSP: true, ...options });
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.goto(pathToFileURL(join(folder, `${name}.html`)).href);
  await use(page);
  assert.deepEqual(problems, []);
  await context.close();
}

/** What reaches beyond the window, and what is wider within than without. */
function cutOff() {
  const wide = document.documentElement.clientWidth;
  const shown = [...document.querySelectorAll("body *")].filter((e) => e.offsetParent !== null && !e.closest("[hidden]"));
  const beyond = shown.filter((e) => e.getBoundingClientRect().right > wide + 0.5);
  const scrolls = shown.filter((e) => e.scrollWidth > e.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(e).overflowX));
  // Names give way in front, on purpose; numbers must not.
  const numbers = shown.filter((e) => e.matches("td .number, td .percent, .rank .number, .rank .percent, th button, .bar .number")
    && (() => { const cell = e.closest("td, th, .rank, .bar").getBoundingClientRect(); const own = e.getBoundingClientRect();
      return own.left < cell.left - 0.5 || own.right > cell.right + 0.5; })());
  const tell = (e) => `${e.tagName}#${e.id}.${e.className} "${e.textContent.slice(0, 40)}"`;
  return { window: document.documentElement.scrollWidth > wide, beyond: beyond.map(tell), scrolls: scrolls.map(tell), numbers: numbers.map(tell) };
}

for (const name of Object.keys(runs)) {
  for (const [size, viewport] of Object.entries(sizes)) {
    test(`${name} on a ${size}: nothing is cut off`, () =>
      open(name, { viewport }, async (page) => {
        await page.screenshot({ path: join(screenshots, `${name}-${size}.png`), fullPage: true });
        assert.deepEqual(await page.evaluate(cutOff), { window: false, beyond: [], scrolls: [], numbers: [] });
      }));
  }
  for (const colorScheme of ["light", "dark"]) {
    test(`${name} by ${colorScheme}: accessible`, () =>
      open(name, { colorScheme }, async (page) => {
        await page.screenshot({ path: join(screenshots, `${name}-${colorScheme}.png`) });
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => globalThis.axe.run());
        const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).slice(0, 3).join(" | ")}`);
        assert.deepEqual(told, []);
      }));
  }
}

test("the training table keeps its shares", () =>
  open("training", {}, async (page) => {
    for (const viewport of Object.values(sizes)) {
      await page.setViewportSize(viewport);
      const box = await page.locator("#table tbody tr").first().locator("td.part .percent").boundingBox();
      assert.ok(box.x >= 0 && box.x + box.width <= viewport.width, JSON.stringify(box));
    }
  }));

test("the dearest places come first, and what repeats is one", () =>
  open("layers", {}, async (page) => {
    const places = page.locator("#ranks > div").first();
    assert.equal(await places.locator("h3").textContent(), "Places");
    assert.match(await places.locator(".rank .name").first().textContent(), /^12 × .*\/layer\/\*\//);
    const rows = page.locator("#table tbody tr");
    const before = await rows.count();
    const folded = page.locator("#table .fold").first();
    assert.equal(await folded.getAttribute("aria-expanded"), "false");
    await folded.click();
    assert.equal(await page.locator("#table .fold").first().getAttribute("aria-expanded"), "true");
    assert.equal(await rows.count(), before + 12);
  }));

test("sums stay what they are, folded and filtered", () =>
  open("layers", {}, async (page) => {
    const total = () => page.locator("#table tfoot td.bytes .number").getAttribute("title");
    const report = await page.evaluate(() => JSON.parse(document.getElementById("report").textContent));
    const expected = report.totals.online.bytes.toLocaleString("en");
    assert.equal(await total(), `${expected} bytes`);
    await page.fill("#filter", "op:Softmax");
    assert.equal(await page.locator("#filtered").textContent(), `12 of ${report.operators.length}`);
    const softmax = report.operators.filter((operator) => operator.op === "Softmax").reduce((sum, operator) => sum + operator.online.bytes, 0);
    assert.equal(await total(), `${softmax.toLocaleString("en")} bytes`);
  }));

test("columns sort both ways", () =>
  open("inference", {}, async (page) => {
    const header = page.locator("#table th.index");
    await header.getByRole("button").click();
    assert.equal(await header.getAttribute("aria-sort"), "ascending");
    await header.getByRole("button").click();
    assert.equal(await header.getAttribute("aria-sort"), "descending");
  }));

test("quantities and phases change every view", () =>
  open("inference", {}, async (page) => {
    const first = () => page.locator("#ranks .rank .number").first().textContent();
    const bytes = await first();
    await page.getByRole("button", { name: "rounds", exact: true }).first().click();
    assert.notEqual(await first(), bytes);
    assert.match(await page.locator("#table th.part").textContent(), /% of rounds/);
    await page.getByRole("group", { name: "Phase" }).getByRole("button", { name: "online" }).click();
    assert.equal(await page.locator("#table th.phase").count(), 0);
  }));

test("the flame graph zooms by click and by keyboard, and searches", () =>
  open("inference", {}, async (page) => {
    const graph = page.locator("#graph");
    await graph.scrollIntoViewIfNeeded();
    await graph.hover({ position: { x: 200, y: 30 } });
    assert.ok(await page.locator("#tip").isVisible());
    await graph.click({ position: { x: 200, y: 30 } });
    const deep = await page.locator("#path button").count();
    assert.ok(deep > 1);
    await graph.focus();
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("#path button").count(), deep === 2 ? 0 : deep - 1);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    assert.ok((await page.locator("#path button").count()) > 1);
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement.id), "search");
    await page.keyboard.type("relu");
    assert.match(await page.locator("#matched").textContent(), /% of bytes/);
  }));

test("seconds are a quantity, and operators lie on an axis of time", () =>
  open("time", {}, async (page) => {
    const report = await page.evaluate(() => JSON.parse(document.getElementById("report").textContent));
    assert.match(await page.locator("#predicted").textContent(), /^[\d,.]+ s predicted for offline and online on wan-100m \(100 Mbit\/s, 40 ms there and back\)/);
    const graph = page.locator("#timeline");
    await graph.scrollIntoViewIfNeeded();
    const box = await graph.boundingBox();
    // Halfway along the axis is the operator that runs when half of the time has gone.
    let now = 0;
    const half = report.operators.find((operator) => (now += operator.seconds ?? 0) > report.time.seconds / 2);
    await page.mouse.move(box.x + box.width / 2, box.y + 10);
    const tip = page.locator("#tip");
    assert.ok((await tip.textContent()).startsWith(`${half.name} (${half.op})`), await tip.textContent());
    await page.mouse.move(box.x, box.y - 30);
    await graph.focus();
    await page.keyboard.press("ArrowRight");
    const first = report.operators.find((operator) => operator.seconds > 0);
    assert.ok((await tip.textContent()).startsWith(first.name));
    // What is drawn is not all one colour.
    const colours = await graph.evaluate((canvas) => new Set(new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size);
    assert.ok(colours > 4, `${colours} colours`);
    await page.getByRole("button", { name: "seconds", exact: true }).first().click();
    assert.match(await page.locator("#table th.part").textContent(), /% of seconds/);
    assert.match(await page.locator("#path").textContent(), /seconds predicted/);
    assert.match(await page.locator("#ranks .rank .number").first().textContent(), /s$/);
  }));

test("without a network there is no axis of time", () =>
  open("inference", {}, async (page) => {
    assert.equal(await page.locator("#time").isVisible(), false);
    assert.equal(await page.getByRole("button", { name: "seconds", exact: true }).count(), 0);
  }));

test("a timeline opens in a program for traces", async () => {
  const trace = join(folder, "trace.json");
  execFileSync(process.env.HAWKEYE, [...runs.time, "--format", "perfetto", "-o", trace], { cwd: models });
  const context = await browser.newContext({ viewport: sizes.desk });
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.goto(speedscope);
  await page.locator("input[type=file]").setInputFiles(trace);
  await page.getByText(/party 0/).first().waitFor({ timeout: 20_000 });
  await page.screenshot({ path: join(screenshots, "timeline.png") });
  assert.deepEqual(problems, []);
  await context.close();
});

test("ten thousand operators make no larger page than a few", async () => {
  const text = readFileSync(join(folder, "layers.html"), "utf8");
  const [, head, json, tail] = /^([^]*<script type="application\/json" id="report">)([^]*?)(<\/script>[^]*)$/.exec(text);
  const report = JSON.parse(json);
  const copies = Math.ceil(10_000 / report.operators.length);
  const again = (list) => Array.from({ length: copies }, (_, i) => structuredClone(list).map((item) => ({ ...item, name: `${i}/${item.name}` }))).flat();
  report.operators = again(report.operators).map((operator, index) => ({ ...operator, index }));
  report.calls = again(report.calls);
  for (const quantity of ["bytes", "messages", "rounds"]) report.totals.online[quantity] *= copies;
  writeFileSync(join(folder, "large.html"), head + JSON.stringify(report).replaceAll("<", "\\u003c") + tail);
  await open("large", {}, async (page) => {
    const [elements, taken] = await page.evaluate(() => {
      const [navigation] = performance.getEntriesByType("navigation");
      return [document.querySelectorAll("*").length, navigation.domContentLoadedEventEnd - navigation.responseEnd];
    });
    assert.ok(report.operators.length >= 10_000);
    assert.ok(elements < 6000, `${elements} elements`);
    console.log(`${report.operators.length} operators in ${Math.round(taken)} ms`);
  });
});
