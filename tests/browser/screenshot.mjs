// Makes the pictures of docs/labeling.md from a running page that serves tests/browser/demo.
// usage: node screenshot.mjs CHROMIUM http://127.0.0.1:PORT FOLDER
import { chromium } from "playwright-core";

const [executablePath, base, folder] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath,
  args: process.getuid() === 0 ? ["--no-sandbox"] : [],
});
async function as(person, options) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 760 }, ...options });
  const page = await context.newPage();
  await page.goto(base);
  await page.getByRole("button", { name: person }).click();
  await page.waitForSelector("#answer, .centre h1");
  await page.waitForLoadState("load");
  return page;
}
const picture = (page, name) => page.screenshot({ path: `${folder}/${name}.png` });
async function choose(page, wanted) {
  // Everyone sees another order, so the answer depends on what is on the screen.
  for (let i = 0; i < 20; i += 1) {
    const input = page.locator("#answer input[name=task]");
    if (!(await input.count())) return;
    const prompt = await page.locator(".prompt .text").innerText();
    const key = await wanted(prompt, page);
    if (!key) return;
    const before = await input.inputValue();
    await page.keyboard.press(key);
    await page.waitForFunction((task) => {
      const now = document.querySelector("#answer input[name=task]");
      return document.readyState === "complete" && (!now || now.value !== task);
    }, before);
  }
}
async function taste(page, good) {
  const left = await page.locator(".side-a .rendered").innerText();
  return good.some((part) => left.includes(part)) ? "1" : "2";
}
const good = ["Euclid", "geosmin", "25 minutes", "Is there something", "Camomile", "one sixth"];
const ann = await as("ann", { colorScheme: "light" });
await choose(ann, async (prompt) => (prompt.includes("greatest common") ? null : taste(ann, good)));
await picture(ann, "label-page");
await choose(ann, () => taste(ann, good));
const cyd = await as("cyd", { colorScheme: "light" });
await choose(cyd, (prompt) => (prompt.includes("friendlier") ? "0" : taste(cyd, good)));
const bob = await as("bob", { colorScheme: "dark" });
await choose(bob, async (prompt) => (prompt.includes("greatest common") ? null : prompt.includes("rain") ? taste(bob, ["no dust"]) : taste(bob, good)));
await picture(bob, "label-page-dark");
const phone = { viewport: { width: 390, height: 760 }, hasTouch: true, isMobile: true };
await picture(await as("bob", { ...phone, colorScheme: "light" }), "label-page-phone");
await ann.goto(`${base}/owner`);
await ann.setViewportSize({ width: 1200, height: 640 });
await picture(ann, "label-owner");
await browser.close();
