// Two people label with the keyboard in a real Chromium while the server is killed twice.
// usage: node label.mjs CHROMIUM FIRST_PORT SERVER_COMMAND...   prints one JSON object
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [executablePath, port, command, ...args] = process.argv.slice(2);
const base = `http://127.0.0.1:${port}`;
const tokens = ["--tokens", "--store", "tokens.sqlite"];
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const report = { clicks: [], violations: [], outside: [], messages: [], inert: null, notSaved: "" };

let server;
let said = "";
function start(more) {
  said = "";
  const stdio = ["ignore", "pipe", "inherit"];
  server = spawn(command, [...args, ...more, "--port", port], { stdio });
  server.stdout.on("data", (chunk) => { said += chunk; });
}
const isUp = () => fetch(`${base}/enter`).then((reply) => reply.ok, () => false);
async function started(more = []) {
  start(more);
  for (let i = 0; i < 600; i += 1) {
    if (await isUp()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the server did not start");
}
function killed() {
  return new Promise((resolve) => {
    server.once("exit", resolve);
    server.kill("SIGKILL");
  });
}

async function open(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.on("request", (request) => {
    if (!request.url().startsWith(base)) report.outside.push(request.url());
  });
  page.on("pageerror", (error) => report.messages.push(error.message));
  page.on("console", (message) => {
    // The server is killed twice, at times in the middle of an answer: requests fail, which the
    // page shows in its own words. What the server does answer counts.
    const away = /net::ERR_|status of 503/.test(message.text());
    if (message.type() === "error" && !away) report.messages.push(message.text());
  });
  return page;
}
async function enter(page, name) {
  await page.goto(base);
  await page.keyboard.press("Tab"); // skip link
  for (let i = 0; i < 10; i += 1) {
    const focused = await page.evaluate(() => document.activeElement.value || "");
    if (focused === name) break;
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await page.waitForSelector("#answer");
  await page.waitForLoadState("load"); // the keys come with the script
}
const taskOf = (page) => page.locator("#answer input[name=task]").inputValue();
const moved = (page, task) =>
  page.waitForFunction((before) => {
    const input = document.querySelector("#answer input[name=task]");
    return document.readyState === "complete" && (!input || input.value !== before);
  }, task, { timeout: 60_000 });
async function label(page, person, key) {
  const task = await taskOf(page);
  await page.keyboard.press(key);
  await moved(page, task);
  report.clicks.push({ person, task, key });
}
async function check(page, name) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const violation of found.violations) {
    const where = violation.nodes.map((node) => node.target.join(" "));
    report.violations.push({ page: name, impact: violation.impact, id: violation.id, where });
  }
}
async function lookForScripts(page) {
  const html = await page.content();
  if (!html.includes("window.pwned")) return;
  const found = await page.evaluate(() => ({
    pwned: typeof window.pwned,
    scripts: [...document.scripts].filter((script) => !script.src).length,
    links: [...document.links].map((link) => link.protocol),
    pictures: [...document.querySelectorAll(".response img, .response iframe, .response svg")].length,
    shown: document.body.innerText.includes("<script>window.pwned"),
  }));
  report.inert = found;
}

await started();
const browser = await chromium.launch({
  executablePath,
  args: process.getuid() === 0 ? ["--no-sandbox"] : [],
});
try {
  const ann = await open(browser);
  await ann.goto(base);
  await check(ann, "enter");
  await enter(ann, "ann");
  const bob = await open(browser, { colorScheme: "dark" });
  await enter(bob, "bob");
  await check(ann, "task");
  await check(bob, "task, dark");
  await ann.keyboard.press("?");
  await check(ann, "keys");
  await ann.keyboard.press("Escape");

  const keys = ["1", "2", "0", "ArrowLeft", "ArrowRight", "s", "t", "b", "a"];
  const person = async (page, name, from, to) => {
    for (let i = from; i < to; i += 1) {
      await lookForScripts(page);
      await label(page, name, keys[(i * (name === "ann" ? 1 : 2)) % keys.length]);
    }
  };
  await Promise.all([person(ann, "ann", 0, 7), person(bob, "bob", 0, 7)]);

  // The server is gone when ann clicks: the click waits, and counts once the server is back.
  await killed();
  const task = await taskOf(ann);
  await ann.keyboard.press("1");
  await ann.waitForFunction(() => document.querySelector("#status").textContent.includes("Not saved"));
  report.notSaved = await ann.locator("#status").textContent();
  await started();
  await moved(ann, task);
  report.clicks.push({ person: "ann", task, key: "1" });

  // The server dies while bob's click is on its way.
  const second = await taskOf(bob);
  await Promise.all([bob.keyboard.press("2"), killed()]);
  await started();
  await moved(bob, second);
  report.clicks.push({ person: "bob", task: second, key: "2" });
  await Promise.all([person(ann, "ann", 8, 15), person(bob, "bob", 8, 19)]);

  // Another program locks the store: the page says so, keeps the click and sends it again by itself.
  const hold = "import sqlite3, sys\nc = sqlite3.connect('labels.sqlite', isolation_level=None)\n" +
    "c.execute('BEGIN IMMEDIATE')\nprint('held', flush=True)\nsys.stdin.read()";
  const other = spawn(command, ["-c", hold], { stdio: ["pipe", "pipe", "inherit"] });
  await new Promise((resolve) => other.stdout.once("data", resolve));
  const held = await taskOf(bob);
  await bob.keyboard.press("1");
  await bob.waitForFunction(() => document.querySelector("#status").textContent.includes("(2)"));
  report.locked = {
    status: await bob.locator("#status").textContent(),
    button: await bob.locator("button[data-sent]").innerText(),
  };
  await check(bob, "a store that is locked");
  other.stdin.end();
  await moved(bob, held);
  report.clicks.push({ person: "bob", task: held, key: "1" });

  // Undo, and choose again.
  const back = report.clicks.filter((click) => click.person === "ann").at(-1);
  const current = await taskOf(ann);
  await ann.keyboard.press("u");
  await moved(ann, current);
  report.undone = (await taskOf(ann)) === back.task;
  await label(ann, "ann", "2");

  // A reason is typed without its letters being taken for keys.
  const reasoned = await taskOf(ann);
  await ann.keyboard.press("c");
  await ann.keyboard.type("clear, but 2 mistakes");
  await check(ann, "task with a reason");
  await ann.keyboard.press("Escape");
  await ann.keyboard.press("1");
  await moved(ann, reasoned);
  report.clicks.push({ person: "ann", task: reasoned, key: "1", comment: "clear, but 2 mistakes" });

  const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
  const small = await open(browser, { ...phone, storageState: await ann.context().storageState() });
  await small.goto(base);
  await check(small, "task on a phone");
  report.wide = await small.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  const tapped = await taskOf(small);
  await small.getByRole("button", { name: "Tie" }).tap();
  await moved(small, tapped);
  report.clicks.push({ person: "ann", task: tapped, key: "0" });
  await ann.reload();

  await person(ann, "ann", 17, 20);
  await check(ann, "done");
  report.done = await ann.locator("h1").textContent();
  await ann.goto(`${base}/owner`);
  await check(ann, "owner");
  report.owner = await ann.locator("main").innerText();

  for (const page of [ann, bob, small]) await page.context().close();

  // With tokens: the link lets in, its token leaves the address, and without it nobody gets in.
  await killed();
  await started(tokens);
  const [link] = said.match(/http:\S+#\w+/);
  const guest = await open(browser);
  await guest.goto(base);
  await check(guest, "enter with a token");
  report.withoutToken = new URL(guest.url()).pathname;
  await guest.goto(link);
  await guest.waitForSelector("#answer");
  report.withToken = { url: guest.url(), person: await guest.locator(".person").textContent() };

  // Without JavaScript: plain forms.
  const plain = await open(browser, { javaScriptEnabled: false });
  await plain.goto(base);
  await plain.getByLabel("Your token").fill(link.split("#")[1]);
  await plain.getByRole("button", { name: "Start" }).click();
  for (const name of ["A is better", "Tie", "Undo"]) {
    await plain.getByRole("button", { name }).click();
    await plain.waitForLoadState();
  }
  report.plain = await plain.locator(".count").first().textContent();
} finally {
  await browser.close();
  server.kill("SIGKILL");
}
process.stdout.write(JSON.stringify(report));
