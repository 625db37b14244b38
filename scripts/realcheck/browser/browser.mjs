// A headless Chromium that does what it is told: a line of JSON in, a line of JSON out. Everything is bounded in time.
import { chromium } from "playwright-core";
import { readFile } from "node:fs/promises";
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

const words = new WeakMap(); // by window: what its pages have said

// Playwright's own routes do not see where a redirect leads; the browser's protocol does.
async function hold(popup, { path, milliseconds = 0, query = {} }) {
  const session = await popup.context().newCDPSession(popup);
  session.on("Fetch.requestPaused", async ({ requestId, request }) => {
    await new Promise((resume) => setTimeout(resume, milliseconds));
    const url = new URL(request.url);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    await session.send("Fetch.continueRequest", { requestId, url: url.href });
  });
  await session.send("Fetch.enable", { patterns: [{ urlPattern: `*${path}?*` }] });
}

function said(from) {
  if (!words.has(from)) words.set(from, []); // a page may speak before the window is known otherwise
  return words.get(from);
}

// A page that closes itself is gone before it can be asked, so that each tells its words as soon as it has them.
async function tellWords(context) {
  await context.exposeBinding("__words", ({ page: from }, text) => said(from).push(text));
  await context.addInitScript(() => {
    addEventListener("DOMContentLoaded", () => globalThis.__words(document.body.innerText));
  });
}

const verbs = {
  // A new browsing session at this address: nothing is remembered of the one before. Its pages may run no script if
  // `scripts` says so, and are as wide as `width`.
  async open({ url, scripts = true, width = 1280 }) {
    await page?.context().close();
    const context = await browser.newContext({ javaScriptEnabled: scripts, viewport: { width, height: 720 } });
    context.setDefaultTimeout(WITHIN);
    await tellWords(context);
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
  // Clicks what opens a window, does `steps` in it (each fills a field or clicks), and waits until it has closed.
  // Gives the addresses that it went through, and the words of each page at the moment when it was there.
  // `held` stops the request to an address's path: for some milliseconds, or to change parameters of its query.
  // `until` is a text of a page that stays: then the window is closed by us.
  async window({ role, name, steps = [], held, until }) {
    const opened = page.waitForEvent("popup");
    await page.getByRole(role, { name, exact: true }).click();
    const popup = await opened;
    const addresses = [];
    popup.on("framenavigated", (frame) => addresses.push(frame.url()));
    if (held) await hold(popup, held);
    for (const { fill, text, ...clicked } of steps) {
      if (fill) await popup.locator(fill).fill(text);
      else await popup.getByRole(clicked.role, { name: clicked.name, exact: true }).click();
    }
    if (until) {
      await popup.getByText(until).first().waitFor();
      await popup.close();
    } else if (!popup.isClosed()) await popup.waitForEvent("close");
    return { addresses, shown: said(popup) };
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
  // What axe-core, the file `axe`, finds wrong with the page by these sets of its rules, and how many rules it met.
  async accessibility({ axe, tags }) {
    await page.evaluate(await readFile(axe, "utf8"));
    const found = await page.evaluate((values) => globalThis.axe.run({ runOnly: { type: "tag", values } }), tags);
    const told = ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(" ")}`;
    return { violations: found.violations.map(told), open: found.incomplete.map(told), met: found.passes.length };
  },
  // How wide the page is, and how wide its window.
  async width() {
    return page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  },
  async url() {
    return page.url();
  },
  async focused() {
    return page.evaluate(() => document.activeElement?.getAttribute("role") ?? document.activeElement?.tagName);
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
