// Chromium, and what must be true of every page in it: it says nothing bad on the console,
// it is no wider than its window, and axe finds nothing.

import assert from "node:assert/strict";
import { mkdir, readFile, readdir, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const SHOTS = fileURLToPath(new URL("shots/", import.meta.url));
const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** The widths of a telephone and of a small laptop, in CSS pixels. */
export const SIZES = { narrow: { width: 390, height: 844 }, wide: { width: 1280, height: 800 } };
/** For one step, in milliseconds: generous, since the machine may be compiling. */
const PATIENCE = 30_000;

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // Root in a container has no sandbox; the rest keeps Chromium from calling home.
    args: ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });

/** One reader's window, whose `complaints` are whatever went wrong on its pages. */
export async function reader(browser, site, options = {}) {
  const context = await browser.newContext({ baseURL: site.origin, viewport: SIZES.wide, reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  page.complaints = [];
  const complain = (what) => page.complaints.push(`${page.url()}: ${what}`);
  page.on("pageerror", (error) => complain(error.stack ?? error.message));
  page.on("console", (message) => {
    if (!["error", "warning"].includes(message.type())) return;
    // A page that answers 404 on purpose: Chromium says so of the page itself.
    if (message.location().url === page.url() && message.text().startsWith("Failed to load resource")) return;
    complain(`${message.text()} (${message.location().url})`);
  });
  page.on("response", (answer) => {
    const isPage = answer.request().isNavigationRequest();
    if (answer.status() >= (isPage ? 500 : 400)) complain(`${answer.status()} for ${answer.url()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(site.origin) && !request.url().startsWith("data:")) complain(`asks elsewhere: ${request.url()}`);
  });
  return page;
}

/** Goes to a page and waits until nothing on it is under way: fonts, and what the edge fills in. */
export async function visit(page, path) {
  const answer = await page.goto(path);
  await settled(page);
  return answer;
}

export async function settled(page) {
  await page.waitForLoadState("load");
  await page.waitForFunction(() => document.fonts.status === "loaded" && !document.querySelector("[aria-busy=true]"));
}

export function assertQuiet(page) {
  assert.deepEqual(page.complaints, []);
}

export async function assertFitsItsWindow(page) {
  const wide = await page.evaluate(() => {
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= room) return [];
    const beyond = [...document.querySelectorAll("body *")].filter((element) => element.getBoundingClientRect().right > room + 1);
    return [`${document.documentElement.scrollWidth} in ${room}`, ...beyond.slice(0, 5).map((element) => element.outerHTML.slice(0, 120))];
  });
  assert.deepEqual(wide, [], `${page.url()} scrolls sideways`);
}

export async function assertAxeFindsNothing(page, what) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
  const found = await page.evaluate(async (values) => {
    const { violations } = await window.axe.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations"] });
    return violations.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `    ${node.target.flat()}: ${node.failureSummary.split("\n").slice(1).join(" ").trim()}`).join("\n")}`);
  }, RULES);
  assert.ok(!found.length, `axe on ${what}:\n${found.join("\n")}`);
}

/** Leaves a picture of the whole page in shots/. */
export async function picture(page, name) {
  await mkdir(SHOTS, { recursive: true });
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: `${SHOTS}${name}.png`, fullPage: true });
}

export const PASSWORD = "low water at six";

/** The link in the latest letter to an address, from the file that the letter has become. */
export async function linkTo(site, address) {
  const folder = join(site.root, "var/mail");
  for (const end = Date.now() + PATIENCE; Date.now() < end; ) {
    const names = await readdir(folder).catch(() => []);
    const letters = await Promise.all(
      names.filter((name) => name.endsWith(".eml")).map(async (name) => {
        const path = join(folder, name);
        return { text: await readFile(path, "utf8"), time: (await stat(path)).mtimeMs };
      }),
    );
    const latest = letters.filter(({ text }) => text.includes(`To: ${address}`)).sort((one, other) => other.time - one.time)[0];
    const link = latest?.text.replaceAll("=\r\n", "").replaceAll("=3D", "=").match(/^http\S+token=\S+/m);
    if (link) return link[0];
    await new Promise((done) => setTimeout(done, 20));
  }
  assert.fail(`no letter came to ${address}`);
}

/** Fills in the form at /register and follows the link in the letter, as a person does. */
export async function register(page, site, name) {
  const address = `${name.toLowerCase()}@shore.example`;
  await page.goto("/register");
  await page.getByLabel("E-mail address").fill(address);
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.waitForURL((url) => url.pathname === "/login/sent");
  await page.goto((await linkTo(site, address)).replace(/^https?:\/\/[^/]+/, ""));
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.waitForURL((url) => url.pathname === "/account");
}
