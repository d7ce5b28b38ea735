// `littoral watch`: what is saved is seen in the page that is open.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SIZES, assertAxeFindsNothing, assertQuiet, launch, reader, visit } from "./chromium.mjs";
import { Site, copyOfTheManual } from "./site.mjs";

const PAGE = "content/docs/20-write/40-sections.md";

let browser, site, page;
before(async () => {
  browser = await launch();
  site = await Site.start("watch", await copyOfTheManual());
  page = await reader(browser, site, { colorScheme: "light" });
  await visit(page, "/docs/write/sections/");
});
after(async () => {
  await browser.close();
  await site.end();
});

const overlay = () => page.getByRole("dialog", { name: "Mistakes in the site" });
/** Set on the window, and lost when the page is loaded again. */
const mark = () => page.evaluate(() => { window.marked = true; });
const isMarked = () => page.evaluate(() => window.marked === true);

test("an edited page shows its new words by itself", async () => {
  await mark();
  await site.edit(PAGE, (text) => `${text}\nThe neap tide is the smaller one.\n`);
  await page.getByText("The neap tide is the smaller one.").waitFor();
  assert.equal(await isMarked(), false, "it was loaded again");
  assertQuiet(page);
});

test("a page keeps its place when it is loaded again", async () => {
  await page.setViewportSize({ width: 390, height: 400 });
  await page.evaluate(() => scrollTo(0, 600));
  await page.waitForFunction(() => Math.abs(scrollY - 600) < 2);
  await site.edit(PAGE, (text) => `${text}\nThe spring tide is the larger one.\n`);
  await page.getByText("The spring tide is the larger one.").waitFor();
  await page.waitForFunction(() => Math.abs(scrollY - 600) < 60);
  await page.setViewportSize(SIZES.wide);
});

test("a changed colour is swapped in without loading the page again", async () => {
  await visit(page, "/docs/write/sections/");
  await mark();
  const sheets = () => page.locator("link[rel=stylesheet]").count();
  const before = await sheets();
  await site.edit("layouts/assets/css/site.css", (text) => `${text}\nbody {background: rgb(1, 2, 3)}\n`);
  await page.waitForFunction(() => getComputedStyle(document.body).backgroundColor === "rgb(1, 2, 3)");
  await site.edit("layouts/assets/css/site.css", (text) => text.replace("rgb(1, 2, 3)", "rgb(4, 5, 6)"));
  await page.waitForFunction(() => getComputedStyle(document.body).backgroundColor === "rgb(4, 5, 6)");
  assert.ok(await isMarked(), "what a script had set is still there");
  assert.equal(await sheets(), before, "the old sheets are gone");
  assertQuiet(page);
  await site.edit("layouts/assets/css/site.css", (text) => text.replace("\nbody {background: rgb(4, 5, 6)}\n", ""));
  await page.waitForFunction(() => getComputedStyle(document.body).backgroundColor !== "rgb(4, 5, 6)");
});

test("a mistake is shown over the last good page, until it is mended", async () => {
  await visit(page, "/docs/write/sections/");
  await site.edit(PAGE, (text) => text.replace("---\n\n", '---\n\n{{ figre("low.jpg") }}\n\n'));
  await overlay().waitFor();
  const said = await overlay().innerText();
  assert.match(said, /unknown-shortcode/);
  assert.match(said, /no shortcode is called figre/);
  assert.equal(await overlay().locator("code", { hasText: /^figre$/ }).count(), 1, "code looks like code");
  assert.equal(await overlay().getAttribute("aria-modal"), "true");
  assert.match(said, /content\/docs\/20-write\/40-sections\.md:\d+:\d+/);
  assert.match(said, /\{\{ figre\("low\.jpg"\) \}\}/, "the line itself");
  assert.match(said, /figure/, "and what to do");
  assert.match(await page.locator("main").innerText(), /The spring tide is the larger one\./, "the last good page is behind");
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    await assertAxeFindsNothing(page, `the overlay, ${size}`);
    await page.screenshot({ path: new URL(`shots/overlay-${size}.png`, import.meta.url).pathname });
  }

  // Another page, opened now, shows it as well; Escape lets one look at the page behind.
  await visit(page, "/docs/");
  await overlay().waitFor();
  assert.ok(await overlay().evaluate((dialog) => dialog.contains(dialog.getRootNode().activeElement)), "the focus is in it");
  for (let times = 0; times < 3; times++) {
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.closest("main, header, footer")), null, "and stays there");
  }
  await page.keyboard.press("Escape");
  await overlay().waitFor({ state: "detached" });

  // The next failure shows it again, and what had the focus gets it back.
  await page.locator("a.name").focus();
  await site.edit(PAGE, (text) => `${text}\n`);
  await overlay().waitFor();
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement.matches("a.name"));

  await visit(page, "/docs/write/sections/");
  await overlay().waitFor();
  await site.edit(PAGE, (text) => text.replace('{{ figre("low.jpg") }}', "Mended."));
  await page.getByText("Mended.").waitFor();
  assert.equal(await overlay().count(), 0);
  assertQuiet(page);
});

test("a broken layout and a broken configuration are shown as well, with their own places", async () => {
  await visit(page, "/docs/write/sections/");
  await site.edit("layouts/site/docs/page.hbs", (text) => text.replace("{{> site/rail}}", "{{> site/rial}}"));
  await overlay().waitFor();
  assert.match(await overlay().innerText(), /layouts\/site\/docs\/page\.hbs:\d+/);
  await site.edit("littoral.yaml", (text) => text.replace("language: en", "langauge: en"));
  await overlay().filter({ hasText: "littoral.yaml" }).waitFor();
  await site.edit("littoral.yaml", (text) => text.replace("langauge: en", "language: en"));
  await site.edit("layouts/site/docs/page.hbs", (text) => text.replace("{{> site/rial}}", "{{> site/rail}}"));
  await overlay().waitFor({ state: "detached" });
  assertQuiet(page);
});
