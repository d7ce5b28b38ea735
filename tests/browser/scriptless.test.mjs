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
  await register(page, "Dunlin");
  await page.goto("/account");
  assert.match(await main().innerText(), /Signed in as Dunlin/);
  assert.ok(await main().getByLabel("Dark").isChecked(), "what the visitor chose came along");
  await main().getByRole("button", { name: "Sign out" }).click();
  await page.goto("/account");
  await page.waitForURL("**/login**");
  await main().getByLabel("E-mail address").fill("dunlin@shore.example");
  await main().getByLabel("Password").fill("something else entirely");
  await main().getByRole("button", { name: "Sign in" }).click();
  assert.equal(await main().getByLabel("E-mail address").inputValue(), "dunlin@shore.example", "what was typed is kept");
  assert.ok((await page.locator(".error").count()) > 0);
  await main().getByLabel("Password").fill(PASSWORD);
  await main().getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/account");
  assert.match(await main().innerText(), /Signed in as Dunlin/);
});
