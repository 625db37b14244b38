// A headless Chromium that does what it is told: a line of JSON in, a line of JSON out. Everything is bounded in time.
import { chromium } from "playwright-core";
import { createInterface } from "node:readline";

const WITHIN = 20_000; // milliseconds, for each thing that is awaited
const LOOPBACK_ONLY = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost";

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", `--host-resolver-rules=${LOOPBACK_ONLY}`],
});
let page;
let seen = [];

function note(kind, text) {
  seen.push({ kind, text: String(text) });
}

const verbs = {
  // A new browsing session at this address: nothing is remembered of the one before.
  async open({ url }) {
    await page?.context().close();
    const context = await browser.newContext();
    context.setDefaultTimeout(WITHIN);
    context.on("console", (message) => note(`console.${message.type()}`, message.text()));
    context.on("weberror", (error) => note("error", error.error()));
    context.on("request", (request) => note("request", `${request.method()} ${request.url()}`));
    context.on("requestfailed", (request) => note("failed", `${request.url()} ${request.failure()?.errorText}`));
    page = await context.newPage();
    await page.goto(url);
  },
  async click({ role, name }) {
    await page.getByRole(role, { name, exact: true }).click();
  },
  // Clicks what opens a window, and waits until that window has closed; gives the addresses that it went through.
  async window({ role, name }) {
    const opened = page.waitForEvent("popup");
    await page.getByRole(role, { name, exact: true }).click();
    const popup = await opened;
    const addresses = [];
    popup.on("framenavigated", (frame) => addresses.push(frame.url()));
    if (!popup.isClosed()) await popup.waitForEvent("close");
    return addresses;
  },
  // Picks an option of the box that stands below a label.
  async choose({ label, option }) {
    const box = page.locator(`xpath=//span[text()=${JSON.stringify(label)}]/ancestor::div[2]//input`);
    await box.click();
    await page.getByRole("option", { name: option, exact: true }).click();
  },
  async options({ label }) {
    const box = page.locator(`xpath=//span[text()=${JSON.stringify(label)}]/ancestor::div[2]//input`);
    await box.click();
    const found = await page.getByRole("option").allTextContents();
    await page.keyboard.press("Escape");
    return found;
  },
  async fill({ css, text }) {
    await page.locator(css).fill(text);
  },
  async see({ text }) {
    await page.getByText(text).first().waitFor();
  },
  async names({ role }) {
    await page.getByRole(role).first().waitFor();
    return page.getByRole(role).evaluateAll((found) => found.map((each) => each.labels?.[0]?.innerText ?? each.innerText));
  },
  async text({ css }) {
    return page.locator(css).textContent();
  },
  async page() {
    return page.locator("body").innerText();
  },
  // What happened since this was asked last: console, errors, requests.
  async seen() {
    const all = seen;
    seen = [];
    return all;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { verb, ...given } = JSON.parse(line);
  try {
    console.log(JSON.stringify({ done: (await verbs[verb](given)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ failed: `${verb} ${JSON.stringify(given)}: ${error.message}` }));
  }
}
await browser.close();
