// Looks at reports in a real Chromium: light and dark, wide and on a phone, printed, by keyboard.
// usage: node report.mjs CHROMIUM FOLDER [PAGE ...]   prints one JSON object. FOLDER has the pages;
// PDFs go there; of the pages named there is no more than that.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [executablePath, folder, ...printedOnly] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SIZES = { wide: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };
const browser = await chromium.launch({
  executablePath,
  args: process.getuid() === 0 ? ["--no-sandbox"] : [],
});

async function open(name, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const outside = [];
  const messages = [];
  page.on("request", (request) => {
    if (!request.url().startsWith("file:") && !request.url().startsWith("data:")) outside.push(request.url());
  });
  page.on("pageerror", (error) => messages.push(error.message));
  page.on("console", (message) => { if (message.type() === "error") messages.push(message.text()); });
  await page.goto(pathToFileURL(`${folder}/${name}`).href);
  return { context, page, outside, messages };
}

async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.map((one) =>
    ({ id: one.id, impact: one.impact, where: one.nodes.slice(0, 3).map((node) => node.target.join(" ")) }));
}

// What a reader sees: the smallest text of a plot, tables that are cut, and whether they say so.
const looked = (page) => page.evaluate(async () => {
  const ends = (selector) => document.querySelector(selector)?.getBoundingClientRect().bottom;
  const decisions = document.querySelector(".beside .scroll");
  const first = {
    ends: [".answer", ".badges", ".beside .scroll", ".beside figure"].map(ends),
    cut: decisions.scrollWidth - decisions.clientWidth,
    height: window.innerHeight,
  };
  for (const one of document.querySelectorAll("details")) one.open = true;
  for (let i = 0; i < 3; i += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
  const texts = [...document.querySelectorAll("svg[role=img] text")].map((text) => {
    const svg = text.ownerSVGElement;
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    return { px: parseFloat(getComputedStyle(text).fontSize) * scale, text: text.textContent };
  });
  const clipped = [...document.querySelectorAll("svg[role=img] text")].filter((text) => {
    const [box, all] = [text.getBoundingClientRect(), text.ownerSVGElement.getBoundingClientRect()];
    return box.left < all.left - 1 || box.right > all.right + 1 || box.top < all.top - 1 || box.bottom > all.bottom + 1;
  }).map((text) => text.textContent);
  const smallest = texts.reduce((least, one) => (one.px < least.px ? one : least), { px: 99 });
  const cut = [];
  for (const box of document.querySelectorAll(".scroll, .panel")) {
    if (box.scrollWidth <= box.clientWidth + 1) continue;
    const first = box.querySelector("tbody th");
    const edge = first ? first.getBoundingClientRect().left - box.getBoundingClientRect().left : 0;
    box.scrollLeft = 9999;
    const stays = first && first.getBoundingClientRect().left - box.getBoundingClientRect().left;
    const hint = box.parentElement.querySelector(".sideways");
    cut.push({
      label: box.getAttribute("aria-label"),
      table: Boolean(first),
      focusable: box.tabIndex === 0,
      sticky: !first || Math.abs(stays - edge) < 2,
      hint: Boolean(hint && hint.getBoundingClientRect().height > 8),
      widest: first ? first.getBoundingClientRect().width / box.clientWidth : 0,
    });
    box.scrollLeft = 0;
  }
  const root = document.documentElement;
  const beside = [...document.querySelectorAll("main *")]
    .filter((one) => !one.closest(".scroll, .panel, pre, .plugin") && one.getBoundingClientRect().right > root.clientWidth + 1)
    .map((one) => `${one.tagName}.${one.className}`);
  return { first, smallest, texts: texts.length, clipped, cut, tooWide: root.scrollWidth > root.clientWidth, beside };
});

// Everything that can be reached by Tab, and whether one sees where one is.
async function tabbed(page) {
  const seen = [];
  for (let i = 0; i < 400; i += 1) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const one = document.activeElement;
      if (!one || one === document.body) return null;
      const style = getComputedStyle(one);
      return {
        tag: one.tagName,
        label: (one.getAttribute("aria-label") || one.textContent || "").trim().slice(0, 60),
        visible: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
      };
    });
    if (!at) break;
    seen.push(at);
  }
  return seen;
}

const report = {};
for (const name of readdirSync(folder).filter((one) => one.endsWith(".html"))) {
  const told = { looks: {}, violations: {}, outside: [], messages: [] };
  for (const [size, viewport] of Object.entries(printedOnly.includes(name) ? {} : SIZES)) {
    for (const colorScheme of ["light", "dark"]) {
      if (name === "hostile.html" && (size === "wide") === (colorScheme === "dark")) continue;
      const { context, page, outside, messages } = await open(name, { viewport, colorScheme });
      told.looks[size] = await looked(page); // unfolds everything
      told.violations[`${size}, ${colorScheme}`] = await violations(page);
      told.outside.push(...outside);
      told.messages.push(...messages);
      await context.close();
    }
  }
  const { context, page } = await open(name, { viewport: SIZES.wide, colorScheme: "dark" });
  told.tabbed = printedOnly.includes(name) ? [] : await tabbed(page);
  told.summaries = await page.locator("summary").count();
  if (told.summaries) {
    await page.locator("summary").first().focus();
    await page.keyboard.press("Enter");
    told.opened = await page.evaluate(() => document.querySelector("details").open);
    await page.keyboard.press("Enter");
  }
  told.pwned = await page.evaluate(() => typeof window.pwned);
  // On paper nothing scrolls: what is wider than its box would be cut.
  await page.emulateMedia({ media: "print" });
  await page.setViewportSize({ width: 726, height: 1000 }); // A4 within its margins
  told.cutOnPaper = await page.evaluate(() => {
    const right = document.querySelector("main").getBoundingClientRect().right + 1;
    const wide = [...document.querySelectorAll("main table, main pre, main svg, main dd")];
    return wide.filter((one) => !one.closest(".landscape") && one.getBoundingClientRect().right > right)
      .map((one) => one.getAttribute("aria-label") || one.tagName);
  });
  // A word of a heading that stands on two lines was cut in the middle.
  told.split = await page.evaluate(() => [...document.querySelectorAll("main th, header th")].flatMap((head) => {
    const texts = document.createTreeWalker(head, NodeFilter.SHOW_TEXT);
    const words = [];
    for (let text = texts.nextNode(); text; text = texts.nextNode()) {
      for (const word of text.data.matchAll(/[\p{L}\p{N}]+/gu)) {
        const range = document.createRange();
        range.setStart(text, word.index);
        range.setEnd(text, word.index + word[0].length);
        if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) words.push(word[0]);
      }
    }
    return words;
  }));
  told.notOnPaper = await page.evaluate(() => [...document.querySelectorAll("main pre")]
    .filter((one) => !one.checkVisibility()).map((one) => one.getAttribute("aria-label")));
  told.folded = await page.evaluate(() => [...document.querySelectorAll("details > :not(summary, pre)")]
    .filter((one) => !one.checkVisibility({ contentVisibilityAuto: true }) || !one.getBoundingClientRect().height)
    .length);
  await page.emulateMedia({ media: null });
  await page.pdf({ path: `${folder}/${name}.pdf`, format: "A4", preferCSSPageSize: true });
  report[name] = told;
  await context.close();
}
await browser.close();
process.stdout.write(JSON.stringify(report));
