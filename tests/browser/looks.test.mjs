// Each kind of page, on a telephone and on a laptop, light and dark: axe finds nothing, the
// page is no wider than its window, the console is silent. Pictures are left in shots/.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  SIZES, assertAxeFindsNothing, assertFitsItsWindow, assertQuiet, launch, picture, reader, linkTo, register, visit,
} from "./chromium.mjs";
import { Site, copyOfTheManual, newBlog } from "./site.mjs";

const MANUAL = {
  landing: "/",
  section: "/docs/",
  page: "/docs/write/markdown/",
  reference: "/docs/reference/configuration/",
  contrast: "/contrast/",
  "places-built": "/contrast/built/",
  "place-built": "/contrast/built/lisbon-pt/",
  "places-answered": "/contrast/answered?q=san&code=MX",
  "places-none": "/contrast/answered?q=xylophonist",
  "place-answered": "/contrast/answered/lisbon-pt",
  listing: "/_/pages/view?below=/docs/",
  search: "/search",
  "search-found": "/search?q=shortcode",
  "search-nothing": "/search?q=xylophonist",
  "not-found": "/docs/a-page-that-never-was/",
  login: "/login",
  register: "/register",
  "login-sent": "/login/sent?for=link",
  "login-forgotten": "/login/forgotten",
  "link-of-no-use": "/login/link?token=0",
  preferences: "/account/preferences",
  "form-placed": "/docs/feedback/",
  "form-alone": "/form/feedback",
  "form-thanks": "/form/feedback/thanks",
};
const BLOG = {
  "blog-home": "/",
  "blog-posts": "/posts/",
  "blog-post": "/2026/10/table/",
  "blog-tags": "/tags/",
  "blog-tag": "/tags/rocks/",
  "blog-about": "/about/",
};

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

/** Looks at one page at each size, in each theme. */
async function look(page, name, path) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    await visit(page, path);
    await assertFitsItsWindow(page);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await assertAxeFindsNothing(page, `${path}, ${size}, ${colorScheme}`);
      await picture(page, `${name}-${size}-${colorScheme}`);
    }
  }
  assertQuiet(page);
}

describe("the manual", () => {
  let site, page;
  before(async () => {
    site = await Site.start("serve", await copyOfTheManual());
    page = await reader(browser, site);
  });
  after(() => site.end());

  for (const [name, path] of Object.entries(MANUAL)) {
    test(`looks right at ${path}`, () => look(page, name, path));
  }

  test("has a first page small enough to show in the README", async () => {
    await page.setViewportSize(SIZES.wide);
    await page.emulateMedia({ colorScheme: "light" });
    await visit(page, "/");
    const picture = await page.screenshot({ path: new URL("shots/screenshot.png", import.meta.url).pathname });
    assert.ok(picture.length < 150 * 1024, `${picture.length} bytes; docs/screenshot.png is a copy of it`);
  });

  test("looks right at /account, with a page read", async () => {
    const member = await reader(browser, site);
    await register(member, site, "Petrel");
    await Promise.all([member.waitForResponse("**/_/read"), member.goto("/docs/write/markdown/")]);
    await look(member, "account", "/account");
    await member.context().close();
  });

  test("looks right where the links in letters lead", async () => {
    const ask = async (where, address, button, fill) => {
      await visit(page, where);
      await page.getByLabel("E-mail address").fill(address);
      if (fill) await page.getByLabel("Name", { exact: true }).fill(fill);
      await page.getByRole("button", { name: button }).click();
      await page.waitForURL((url) => url.pathname === "/login/sent");
      return (await linkTo(site, address)).replace(/^https?:\/\/[^/]+/, "");
    };
    await look(page, "register-confirm", await ask("/register", "turnstone@shore.example", "Create account", "Turnstone"));
    await page.getByRole("button", { name: "Create account" }).click();
    await page.waitForURL("**/account");
    await look(page, "account-events", "/account/events");
    await page.context().clearCookies();
    await look(page, "login-link", await ask("/login", "turnstone@shore.example", "Send me a link"));
    await look(page, "new-password", await ask("/login/forgotten", "turnstone@shore.example", "Send me a link"));
  });

  test("says beside the field what is wrong with a form", async () => {
    await page.emulateMedia({ colorScheme: "light" });
    await visit(page, "/login");
    await page.getByLabel("Address of your account").fill("nobody@shore.example");
    await page.getByLabel("Password", { exact: true }).fill("wrong and long enough");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator(".error").first().waitFor();
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      await assertFitsItsWindow(page);
      await assertAxeFindsNothing(page, `a failed login, ${size}`);
      await picture(page, `login-failed-${size}`);
    }
  });

  test("has dialogs in which axe finds nothing", async () => {
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        await visit(page, "/");
        await page.getByRole("banner").getByRole("link", { name: "Search" }).click();
        await page.getByRole("combobox").fill("shortc");
        await page.getByRole("option").first().waitFor();
        await page.keyboard.press("ArrowDown");
        await assertAxeFindsNothing(page, `the search dialog, ${size}, ${colorScheme}`);
        await page.screenshot({ path: new URL(`shots/dialog-search-${size}-${colorScheme}.png`, import.meta.url).pathname });
        await page.keyboard.press("Escape");
        await page.getByRole("button", { name: "Display" }).click();
        await page.getByRole("dialog", { name: "Display" }).waitFor();
        await assertAxeFindsNothing(page, `the display dialog, ${size}, ${colorScheme}`);
        await page.screenshot({ path: new URL(`shots/dialog-display-${size}-${colorScheme}.png`, import.meta.url).pathname });
        await page.getByRole("button", { name: "Done" }).click();
      }
    }
    assertQuiet(page);
  });

  test("has no page that is wider than a telephone, or complains", async () => {
    await page.setViewportSize(SIZES.narrow);
    // Of a thousand places those of Iraq: they have one layout, and names long and short.
    const isOneOfMany = (path) => /^\/contrast\/built\/.+-(?!iq\/)..\/$/.test(path);
    for (const path of (await site.paths()).filter((path) => !isOneOfMany(path))) {
      await visit(page, path);
      await assertFitsItsWindow(page);
    }
    assertQuiet(page);
  });

  test("is as narrow in large text", async () => {
    await page.context().addCookies([{ name: "littoral_look", value: "system.large", url: site.origin }]);
    await page.setViewportSize({ width: 320, height: 640 });
    for (const path of Object.values(MANUAL)) {
      await visit(page, path);
      await assertFitsItsWindow(page);
    }
  });
});

describe("a new blog", () => {
  let site, page;
  before(async () => {
    site = await Site.start("serve", await newBlog());
    page = await reader(browser, site);
  });
  after(() => site.end());

  for (const [name, path] of Object.entries(BLOG)) {
    test(`looks right at ${path}`, () => look(page, name, path));
  }

  test("has no page that complains", async () => {
    for (const path of await site.paths()) await visit(page, path);
    assertQuiet(page);
  });
});
