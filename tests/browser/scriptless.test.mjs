// With JavaScript switched off, everything that matters still works: forms post, links link.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SIZES, assertFitsItsWindow, assertQuiet, launch, picture, reader, register, PASSWORD } from "./chromium.mjs";
import { Site, copyOfTheManual } from "./site.mjs";

let browser, site, page;
before(async () => {
  browser = await launch();
  site = await Site.start("serve", await copyOfTheManual());
  page = await reader(browser, site, { javaScriptEnabled: false });
});
after(async () => {
  assertQuiet(page);
  await browser.close();
  await site.end();
});

const main = () => page.getByRole("main");

test("the first page and the manual are read without script", async () => {
  await page.goto("/");
  const live = main().getByRole("region", { name: "Answered by the edge" });
  assert.equal(await live.getByRole("listitem").count(), 4, "a fragment needs no script");
  await page.goto("/contrast/");
  await main().getByRole("link", { name: "Ask the edge" }).click();
  assert.match(new URL(page.url()).pathname, /^\/_\/pages\/view$/);
  assert.ok((await main().getByRole("listitem").count()) > 10);
  await page.goto("/docs/write/markdown/");
  assert.equal(await page.getByRole("button", { name: "Display" }).count(), 0, "no button that would do nothing");
  await page.setViewportSize(SIZES.narrow);
  await assertFitsItsWindow(page);
  await page.setViewportSize(SIZES.wide);
  await picture(page, "scriptless-page");
});

test("the catalogue is searched, filtered and read on, and what it costs is told", async () => {
  await page.goto("/contrast/");
  const costs = main().getByRole("table").filter({ hasText: "On the disk" });
  assert.match(await costs.innerText(), /1,020 files\s+112,320 rows/);
  assert.equal(await main().getByRole("button", { name: "Measure sending" }).count(), 0, "no button that would do nothing");
  await main().getByRole("link", { name: "look at the list" }).first().click();
  await main().getByRole("link", { name: "Smaller" }).click();
  await page.waitForURL("**/contrast/built/page/2/");
  await page.goto("/contrast/");
  await main().getByRole("link", { name: "look at the list" }).last().click();
  await main().getByLabel("Country").selectOption("PT");
  await main().getByLabel("Order").selectOption("Name, A to Z");
  await main().getByRole("button", { name: "Show" }).click();
  await page.waitForURL("**/contrast/answered?**code=PT**");
  const names = () => main().getByRole("rowheader").allInnerTexts();
  const first = await names();
  assert.equal(first.length, 50);
  await main().getByRole("link", { name: "More" }).click();
  const second = await names();
  assert.ok(first.at(-1) <= second[0] && !first.includes(second[1]), "the next page begins where this one ends");
  assert.equal(await main().getByLabel("Country").inputValue(), "PT", "what was chosen is kept");
  await main().getByLabel("Name").fill("lisb");
  await main().getByRole("button", { name: "Show" }).click();
  await main().getByRole("link", { name: "Lisbon" }).click();
  await page.waitForURL("**/contrast/answered/lisbon-pt");
  assert.match(await main().innerText(), /517,802/);
});

test("a search leads to the heading that answers it", async () => {
  await page.goto("/");
  await page.getByRole("banner").getByRole("link", { name: "Search" }).click();
  await page.waitForURL("**/search");
  await main().getByRole("searchbox").fill("shortcode");
  await main().getByRole("button", { name: "Search" }).click();
  await page.waitForURL("**/search?q=shortcode");
  await main().getByRole("listitem").getByRole("link", { name: /shortcode/i }).first().click();
  assert.match(new URL(page.url()).pathname, /^\/docs\//);
});

test("a visitor's theme is saved and worn by the edge's pages", async () => {
  await page.goto("/account/preferences");
  await main().getByLabel("Dark").check();
  await main().getByRole("button", { name: "Save preferences" }).click();
  await main().getByText("Your preferences are saved.").waitFor();
  await page.goto("/login");
  assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
});

test("an account is made, left, and entered again", async () => {
  await register(page, site, "Dunlin");
  await page.goto("/account");
  assert.match(await main().innerText(), /Signed in as Dunlin/);
  assert.ok(await main().getByLabel("Dark").isChecked(), "what the visitor chose came along");
  await main().getByRole("button", { name: "Sign out" }).click();
  await page.goto("/account");
  await page.waitForURL("**/login**");
  await main().getByLabel("Address of your account").fill("dunlin@shore.example");
  await main().getByLabel("Password", { exact: true }).fill("something else entirely");
  await main().getByRole("button", { name: "Sign in" }).click();
  assert.equal(await main().getByLabel("Address of your account").inputValue(), "dunlin@shore.example", "what was typed is kept");
  assert.ok((await page.locator(".error").count()) > 0);
  await main().getByLabel("Password", { exact: true }).fill(PASSWORD);
  await main().getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/account");
  assert.match(await main().innerText(), /Signed in as Dunlin/);
});
