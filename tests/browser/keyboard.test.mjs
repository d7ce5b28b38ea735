// Everything by keyboard alone.

import assert from "node:assert/strict";
import { after, before, beforeEach, afterEach, test } from "node:test";
import { PASSWORD, SIZES, assertQuiet, launch, linkTo, reader, visit } from "./chromium.mjs";
import { Site, copyOfTheManual } from "./site.mjs";

let browser, site, page;
before(async () => {
  browser = await launch();
  site = await Site.start("serve", await copyOfTheManual());
});
after(async () => {
  await browser.close();
  await site.end();
});
beforeEach(async () => { page = await reader(browser, site); });
afterEach(async () => {
  assertQuiet(page);
  await page.context().close();
});

const focused = () => page.evaluate(() => {
  const { id, tagName, textContent } = document.activeElement;
  return id ? `#${id}` : `${tagName.toLowerCase()} ${textContent.trim()}`;
});
const press = (...keys) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
const combobox = () => page.getByRole("combobox", { name: "Search this site" });
const chosen = () => page.getByRole("option", { selected: true });

test("the first key press offers to skip to the text", async () => {
  await visit(page, "/docs/write/markdown/");
  await press("Tab");
  assert.equal(await focused(), "a Skip to the text");
  const box = await page.getByRole("link", { name: "Skip to the text" }).boundingBox();
  assert.ok(box.y >= 0 && box.height > 20, "it is seen");
  await press("Enter");
  assert.equal(await focused(), "#main");
  await press("Tab");
  assert.ok(await page.evaluate(() => document.querySelector("main").contains(document.activeElement)), "what comes next is in the text");
});

test("a slash opens the search, arrows choose, Enter goes there", async () => {
  await visit(page, "/");
  await press("/");
  await page.getByRole("dialog", { name: "Search" }).waitFor();
  assert.equal(await focused(), "#find");
  assert.equal(await combobox().inputValue(), "", "the slash is not typed");
  await page.keyboard.type("shortc");
  await page.getByRole("option").first().waitFor();
  assert.equal(await combobox().getAttribute("aria-expanded"), "true");
  await press("ArrowDown");
  assert.equal(await combobox().getAttribute("aria-activedescendant"), await chosen().getAttribute("id"));
  const first = await chosen().innerText();
  await press("ArrowUp");
  const last = await chosen().innerText();
  await press("ArrowDown");
  assert.equal(await chosen().innerText(), first, `round the end from ${last}`);
  const url = await chosen().getAttribute("data-url");
  await press("Enter");
  await page.waitForURL(`**${url}`);
  assert.match(await page.getByRole("heading", { level: 1 }).innerText(), /Shortcode|short/i);
});

test("words that begin no title are searched for in the text", async () => {
  await visit(page, "/");
  await press("/");
  await page.keyboard.type("typing errors");
  await press("Enter");
  await page.waitForURL("**/search?q=typing+errors");
  await page.getByRole("main").getByRole("listitem").first().waitFor();
});

test("a misspelt word is still suggested", async () => {
  await visit(page, "/");
  await press("Control+k");
  await page.keyboard.type("shrotcode");
  await page.getByRole("option", { name: /shortcode/i }).first().waitFor();
});

test("Escape closes the search and gives the focus back", async () => {
  await visit(page, "/docs/");
  await page.getByRole("navigation", { name: "Site" }).getByRole("link", { name: "Contrast" }).focus();
  await press("Control+k");
  assert.equal(await focused(), "#find");
  await page.keyboard.type("sect");
  await page.getByRole("option").first().waitFor();
  await press("Escape");
  assert.equal(await page.getByRole("dialog").count(), 0);
  assert.equal(await focused(), "a Contrast");
  await press("Control+k");
  assert.equal(await focused(), "#find", "and opens again");
});

test("a slash that is typed into a field is a slash", async () => {
  await visit(page, "/search");
  const field = page.getByRole("main").getByRole("searchbox");
  await field.focus();
  await page.keyboard.type("a/b");
  assert.equal(await field.inputValue(), "a/b");
  assert.equal(await page.getByRole("dialog").count(), 0);
});

test("the theme is chosen, and an account made, without a mouse", async () => {
  await visit(page, "/");
  await page.getByRole("button", { name: "Display" }).focus();
  await press("Enter");
  await page.getByRole("dialog", { name: "Display" }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.value), "system");
  await press("ArrowDown", "ArrowDown");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  await press("Enter");
  assert.equal(await focused(), "button Display");

  await visit(page, "/register");
  await page.getByLabel("E-mail address").focus();
  await page.keyboard.type("knot@shore.example");
  await press("Tab");
  await page.keyboard.type("Knot");
  await press("Enter");
  await page.waitForURL((url) => url.pathname === "/login/sent");
  await visit(page, (await linkTo(site, "knot@shore.example")).replace(/^https?:\/\/[^/]+/, ""));
  await page.getByLabel("Password", { exact: true }).focus();
  await page.keyboard.type(PASSWORD);
  await press("Enter");
  await page.waitForURL((url) => url.pathname === "/account");
  await page.getByRole("link", { name: "Knot" }).waitFor();
});

test("tables and code that scroll can be reached and scrolled", async () => {
  await page.setViewportSize(SIZES.narrow);
  for (const path of await site.paths()) {
    await visit(page, path);
    const unreachable = await page.evaluate(() => [...document.querySelectorAll("main *")]
      .filter((element) => element.scrollWidth > element.clientWidth + 1 && ["auto", "scroll"].includes(getComputedStyle(element).overflowX))
      .filter((element) => element.tabIndex < 0 && !element.querySelector("a, button, input"))
      .map((element) => element.outerHTML.slice(0, 80)));
    assert.deepEqual(unreachable, [], path);
  }
});
