// A form by keyboard alone and without JavaScript: placed in a static page, sent with mistakes,
// mended, thanked for, and read by the administrator.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import {
  PASSWORD, SIZES, assertAxeFindsNothing, assertFitsItsWindow, assertQuiet, launch, picture, reader, register,
} from "./chromium.mjs";
import { LITTORAL, Site, copyOfTheManual } from "./site.mjs";

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
const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };

/** Looks at a page at each size, in each theme; axe needs JavaScript to look with. */
async function look(on, name) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await on.setViewportSize(viewport);
    await assertFitsItsWindow(on);
    for (const colorScheme of ["light", "dark"]) {
      await on.emulateMedia({ colorScheme });
      await assertAxeFindsNothing(on, `${name}, ${size}, ${colorScheme}`);
      await picture(on, `${name}-${size}-${colorScheme}`);
    }
  }
  await on.setViewportSize(SIZES.wide);
  await on.emulateMedia({ colorScheme: "light" });
}

test("the browser itself holds back what is missing", async () => {
  await page.goto("/docs/feedback/");
  await main().getByLabel("What did you look for").focus();
  await page.keyboard.type("too short");
  await press("Tab", "Tab", "Tab", "Tab", "Tab", "Enter");
  assert.match(new URL(page.url()).pathname, /^\/docs\/feedback\//, "nothing is sent");
});

test("everything is filled in and sent by keyboard alone", async () => {
  await page.goto("/docs/feedback/");
  await main().getByLabel("What did you look for").focus();
  await page.keyboard.type("The page about tides has no tides in it.");
  await press("Tab", "ArrowDown", "Tab");
  await page.keyboard.type("Petrel");
  await press("Tab");
  await page.keyboard.type("petrel@shore.example");
  await press("Tab", "Tab", "Enter");
  await page.waitForURL("**/form/feedback/thanks");
  await main().getByText("We have what you wrote.").waitFor();
});

test("mistakes that a browser cannot see come back with everything that was typed", async () => {
  await page.goto("/docs/feedback/");
  await main().getByLabel("What did you look for").fill(" ".repeat(20));
  await main().getByLabel("Not there").check();
  await main().getByLabel("Your name").fill("Petrel");
  await main().getByLabel("A picture of it").setInputFiles({ name: "tide.png", mimeType: "image/png", buffer: Buffer.from("no picture") });
  await main().getByRole("button", { name: "Send" }).click();
  await main().getByRole("group", { name: "This was not sent yet" }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "faults", "the list of faults has the focus");
  assert.equal(await main().getByLabel("Your name").inputValue(), "Petrel");
  assert.ok(await main().getByLabel("Not there").isChecked());
  assert.match(await main().innerText(), /Please choose the file again \(tide\.png\)/);
  await press("Tab");
  await press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("name")), "message", "a fault leads to its field");
  await main().getByLabel("What did you look for").fill("A picture of the tide table.");
  await main().getByRole("button", { name: "Send" }).click();
  await page.waitForURL("**/form/feedback/thanks");
});

test("faults look right", async () => {
  const petrel = await reader(browser, site);
  await petrel.goto("/form/feedback");
  await petrel.getByLabel("What did you look for").fill(" ".repeat(20));
  await petrel.getByLabel("Unclear").check();
  await petrel.getByRole("button", { name: "Send" }).click();
  await petrel.getByRole("group", { name: "This was not sent yet" }).waitFor();
  await look(petrel, "form-faults");
  await petrel.context().close();
});

test("the administrator reads what came", async () => {
  const petrel = await reader(browser, site);
  await register(petrel, site, "Petrel");
  assert.equal((await petrel.goto("/admin")).status(), 404);
  await promisify(execFile)(LITTORAL, ["user", "role", "petrel@shore.example", "editor", "--root", site.root]);
  await petrel.goto("/admin");
  await petrel.getByLabel("Address of your account").fill("petrel@shore.example");
  await petrel.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await petrel.getByRole("button", { name: "Sign in" }).click();
  await petrel.waitForURL("**/admin");
  await look(petrel, "admin-forms");
  await petrel.getByRole("link", { name: "What did you miss?" }).click();
  assert.equal(await petrel.getByRole("main").getByRole("row").count(), 3, "two answers and their heads");
  await look(petrel, "admin-answers");
  await petrel.getByRole("main").getByRole("table").getByRole("link").first().click();
  await petrel.getByText("A picture of the tide table.").waitFor();
  await look(petrel, "admin-answer");
  await petrel.getByRole("link", { name: "Forget this answer" }).click();
  await look(petrel, "admin-forget");
  await petrel.getByRole("button", { name: "Forget it" }).click();
  await petrel.getByText("The answer and its files are forgotten.").waitFor();
  const { stdout } = await promisify(execFile)(LITTORAL, ["form", "answers", "feedback", "--format", "ndjson", "--root", site.root]);
  assert.equal(stdout.trim().split("\n").length, 1);
  assert.equal(JSON.parse(stdout).answers.name, "Petrel");
  await petrel.context().close();
});
