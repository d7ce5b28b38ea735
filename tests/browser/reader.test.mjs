// What a reader does: make an account, choose a theme, read, come back, leave.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { PASSWORD, assertQuiet, launch, reader, register, visit } from "./chromium.mjs";
import { Site, copyOfTheManual, command } from "./site.mjs";

let browser, site;
before(async () => {
  browser = await launch();
  site = await Site.start("serve", await copyOfTheManual());
});
after(async () => {
  await browser.close();
  await site.end();
});

const theme = (page) => page.evaluate(() => document.documentElement.dataset.theme);
const background = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const signIn = async (page, name) => {
  await page.getByLabel("Address of your account").fill(`${name}@shore.example`);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => url.pathname !== "/login");
};
const reloadUntil = async (page, holds) => {
  for (let tries = 0; !(await holds()); tries += 1) {
    assert.ok(tries < 20, `not in 20 loads: ${await page.locator("main").innerText()}`);
    await page.reload();
  }
};

test("registers, prefers dark, reads, continues, and leaves for good", async () => {
  const page = await reader(browser, site, { colorScheme: "light" });
  await visit(page, "/");
  const light = await background(page);
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByRole("link", { name: "Create one" }).click();
  await register(page, site, "Gull");

  await page.goto("/account");
  await page.getByLabel("Dark").check();
  await page.getByRole("button", { name: "Save preferences" }).click();
  await page.getByText("Your preferences are saved.").waitFor();

  await visit(page, "/docs/write/markdown/");
  assert.equal(await theme(page), "dark", "the script dresses the static page");
  assert.notEqual(await background(page), light);
  const dynamic = await (await page.request.get("/account")).text();
  assert.match(dynamic, /<html[^>]* data-theme="dark"/, "the edge has it in the HTML");
  await page.getByRole("link", { name: "Gull" }).waitFor();

  // Reading on to the middle; what was read is told when the page is left.
  await page.evaluate(() => scrollTo(0, (document.documentElement.scrollHeight - innerHeight) * 0.6));
  await page.waitForFunction(() => scrollY > 100);
  await page.getByRole("link", { name: "Gull" }).click();
  await page.waitForURL("**/account");
  const read = page.getByRole("region", { name: "Continue where you left" }).getByRole("listitem").first();
  // It is told beside the way to this page, so it may be a moment behind.
  await reloadUntil(page, async () => /^Markdown · [56]\d % read/.test(await read.innerText()));
  await read.getByRole("link").click();
  await page.waitForURL(/\/docs\/write\/markdown\/#.+/);
  await page.waitForFunction(() => scrollY > 100);

  const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  const asBefore = () => fetch(`${site.origin}/account`, { headers: { cookie }, redirect: "manual" });
  assert.equal((await asBefore()).status, 200, "the cookie is good while signed in");
  await page.goto("/account");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL((url) => url.pathname !== "/account");
  const refused = await asBefore();
  assert.equal(refused.status, 303, "the cookie is worth nothing after");
  assert.match(refused.headers.get("location"), /^\/login/);
  await visit(page, "/");
  await page.getByRole("link", { name: "Sign in" }).waitFor();
  assertQuiet(page);
  await page.context().close();
});

test("a theme from the display dialog is worn at once and on every page after", async () => {
  const page = await reader(browser, site, { colorScheme: "light" });
  await visit(page, "/docs/");
  await page.getByRole("button", { name: "Display" }).click();
  await page.getByLabel("Dark").check();
  assert.equal(await theme(page), "dark");
  await page.getByLabel("Large").check();
  await page.getByRole("button", { name: "Done" }).click();
  await visit(page, "/contrast/");
  assert.deepEqual(await page.evaluate(() => ({ ...document.documentElement.dataset })), { theme: "dark", size: "large" });
  await visit(page, "/login");
  const { theme: worn, size } = await page.evaluate(() => ({ ...document.documentElement.dataset }));
  assert.deepEqual({ worn, size }, { worn: "dark", size: "large" }, "the edge's pages too");
  assertQuiet(page);
  await page.context().close();
});

test("a member's look follows to another machine", async () => {
  const first = await reader(browser, site);
  await register(first, site, "Tern");
  await first.goto("/account");
  await first.getByLabel("Dark").check();
  await first.getByRole("button", { name: "Save preferences" }).click();
  await first.getByText("Your preferences are saved.").waitFor();

  const second = await reader(browser, site, { colorScheme: "light" });
  await second.goto("/login?next=/docs/");
  await signIn(second, "tern");
  await second.waitForURL("**/docs/");
  await second.waitForFunction(() => document.documentElement.dataset.theme === "dark");
  await visit(second, "/account");
  await second.getByRole("button", { name: /^End it/ }).click();
  await second.waitForURL(/done=/);
  await first.goto("/account");
  assert.match(first.url(), /\/login/, "ended from the other machine");
  assertQuiet(second);
  await Promise.all([first.context().close(), second.context().close()]);
});

test("a fragment is filled once, by the script where another server has the file", async () => {
  const page = await reader(browser, site);
  const asked = [];
  page.on("request", (request) => { if (request.url().includes("/_/fragment/")) asked.push(request.url()); });
  const box = page.getByRole("region", { name: "Answered by the edge" });
  await visit(page, "/");
  assert.equal(await box.getByRole("listitem").count(), 4);
  assert.deepEqual(asked, [], "the edge had filled it");
  // A static host: the file as the build wrote it, and only `/_/` from the edge.
  const file = await readFile(join(site.root, "public/index.html"), "utf8");
  await page.route(`${site.origin}/`, (route) => route.fulfill({ body: file, contentType: "text/html; charset=utf-8" }));
  await page.goto("/");
  await box.getByRole("listitem").nth(3).waitFor();
  assert.equal(await box.getByRole("listitem").count(), 4);
  assert.equal(asked.length, 1);
  assert.equal(await page.locator("littoral-fragment").count(), 0);
  assertQuiet(page);
  await page.context().close();
});

test("the live boxes are filled by the edge, and say how long it took", async () => {
  const page = await reader(browser, site);
  await visit(page, "/contrast/");
  const built = await page.getByRole("region", { name: "Built", exact: true }).getByRole("listitem").allInnerTexts();
  const answered = await page.getByRole("region", { name: "Answered by the edge" }).getByRole("listitem").allInnerTexts();
  assert.ok(built.length > 10);
  assert.deepEqual(answered, built, "the same list from both halves");
  assert.match(await page.locator("[data-arrival]").innerText(), /in \d+\.\d ms/);
  assert.match(await page.locator("[data-live]").innerText(), /in \d+ µs[^]*in \d+\.\d ms/);
  assertQuiet(page);
  await page.context().close();
});

test("how long sending takes is measured when the reader says so", async () => {
  const page = await reader(browser, site);
  const asked = { built: 0, answered: 0 };
  page.on("request", (request) => {
    const half = request.url().match(/\/contrast\/(built|answered)\/lisbon-pt/)?.[1];
    if (half) asked[half] += 1;
  });
  await visit(page, "/contrast/");
  assert.deepEqual(asked, { built: 0, answered: 0 }, "nothing is asked before");
  await page.getByRole("button", { name: "Measure sending" }).click();
  await page.getByText("Measured, 40 times each.").waitFor();
  assert.deepEqual(asked, { built: 41, answered: 41 });
  const row = async (name) => (await page.getByRole("row", { name }).innerText()).match(/[\d.]+(?= ms)/g).map(Number);
  const [median, most] = [await row("To send it, median"), await row("19 of 20 within")];
  assert.equal(median.length, 2);
  for (const half of [0, 1]) assert.ok(median[half] > 0 && median[half] <= most[half], `${median[half]} of ${most[half]} ms`);
  assertQuiet(page);
  await page.context().close();
});

test("a row that changes is new on the answered page at once, and on the built one not", async () => {
  const page = await reader(browser, site);
  const people = async (path) => {
    await visit(page, path);
    return (await page.getByRole("main").getByRole("row", { name: "People" }).innerText()).replace(/\D/g, "");
  };
  const before = await people("/contrast/answered/lisbon-pt");
  assert.equal(await people("/contrast/built/lisbon-pt/"), before);
  await command(["data", "import", "city", "-", "--format", "csv", "--upsert", "slug", "--root", site.root], "slug,population\nlisbon-pt,600001\n");
  assert.equal(await people("/contrast/answered/lisbon-pt"), "600001");
  assert.equal(await people("/contrast/built/lisbon-pt/"), before);
  await visit(page, "/contrast/");
  assert.match(await page.getByRole("region", { name: "All, answered" }).innerText(), /600,001 people/);
  await page.context().close();
});

test("a page that is not here offers to search for its address", async () => {
  const page = await reader(browser, site);
  const answer = await visit(page, "/docs/shortcode-examples.html");
  assert.equal(answer.status(), 404);
  assert.equal(await page.getByRole("main").getByRole("searchbox").inputValue(), "docs shortcode examples");
  await page.getByRole("main").getByRole("button", { name: "Search" }).click();
  await page.waitForURL("**/search?q=docs+shortcode+examples");
  await page.getByRole("main").getByRole("link", { name: /Shortcodes/ }).first().waitFor();
  assertQuiet(page);
  await page.context().close();
});

test("the manual's contents stand at the page that is open", async () => {
  const page = await reader(browser, site);
  await visit(page, "/docs/reference/words/");
  const here = page.getByRole("navigation", { name: "Manual" }).locator("[aria-current=page]");
  const [link, rail] = await Promise.all([here.boundingBox(), page.locator(".rail").boundingBox()]);
  assert.ok(link.y >= rail.y && link.y + link.height <= rail.y + rail.height, "it is in sight");
  assert.equal(await page.evaluate(() => scrollY), 0, "and the page has not moved");
  assertQuiet(page);
  await page.context().close();
});
