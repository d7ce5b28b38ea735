// Ten thousand hostile comments in a real browser, which is told to ignore the policy that would
// stop a script: what is shown of them runs nothing, asks for nothing, and is made of a few
// elements. And the ways of a comment: written without JavaScript, announced with it.

import assert from "node:assert/strict";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  SIZES, assertAxeFindsNothing, assertFitsItsWindow, assertQuiet, launch, picture, reader, register, visit,
} from "./chromium.mjs";
import { Site, command, newBlog } from "./site.mjs";

const MANY = 10_000;
const CONFIGURATION = "\nedge:\n  comments: { who: guests, moderation: after, per_page: 200, sections: [posts] }\n";

/** What is tried: each does something that the page can see, or asks somewhere else. */
const VECTORS = [
  "<script>window.__hit=1</script>", "<img src=x onerror=window.__hit=1>", "<svg onload=window.__hit=1>",
  "<svg><script>window.__hit=1</script></svg>", "<body onload=window.__hit=1>", "<iframe srcdoc='<script>parent.__hit=1</script>'>",
  "<iframe src=javascript:parent.__hit=1>", "<object data=javascript:window.__hit=1>", "<embed src=javascript:window.__hit=1>",
  "<details open ontoggle=window.__hit=1>x</details>", "<input autofocus onfocus=window.__hit=1>", "<video><source onerror=window.__hit=1></video>",
  "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=window.__hit=1&gt;\">",
  "<noscript><p title=\"</noscript><img src=x onerror=window.__hit=1>\">", "<style>@import '//evil.example/x'</style>",
  "<link rel=stylesheet href=//evil.example/x>", "<base href=//evil.example/>", "<meta http-equiv=refresh content=0;url=//evil.example/>",
  "<form action=//evil.example/><button>x</button></form>", "<a href=javascript:window.__hit=1>x</a>",
  "[x](javascript:window.__hit=1)", "[x](JaVaScRiPt:window.__hit=1)", "[x](java\tscript:window.__hit=1)", "[x](&#106;avascript:window.__hit=1)",
  "[x](&#x6a;avascript&colon;window.__hit=1)", "[x](data:text/html,<script>opener.__hit=1</script>)", "[x](vbscript:x)",
  "<javascript:window.__hit=1>", "![x](javascript:window.__hit=1)", "![x](//evil.example/x.png)", "![x](https://evil.example/x.png)",
  "[x](https://a.example/\"onmouseover=\"window.__hit=1)", "[x](https://a.example/ \"onmouseover=window.__hit=1\")",
  "[x](<https://a.example/' onclick='window.__hit=1>)", "[x]: javascript:window.__hit=1\n\n[x]", "`</code><script>window.__hit=1</script>`",
  "```\n</code></pre><script>window.__hit=1</script>\n```", "``` \" onload=window.__hit=1\nx\n```", "<!-- --!><script>window.__hit=1</script>-->",
  "<![CDATA[><script>window.__hit=1</script>]]>", "<?x ><script>window.__hit=1</script>?>", "</div></article></main><script>window.__hit=1</script>",
  "<x-y onclick=window.__hit=1>", "<template><script>window.__hit=1</script></template>", "<p style=background:url(//evil.example/x)>x",
  "{{#with this}}<script>window.__hit=1</script>{{/with}}", "${window.__hit=1}", "\u2028<script>window.__hit=1</script>", "<scr\u0000ipt>window.__hit=1</scr\u0000ipt>",
];

/** Numbers from a seed: the same corpus each time. */
function numbers(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function corpus(count) {
  const random = numbers(20261128);
  const any = (list) => list[Math.floor(random() * list.length)];
  const signs = [..."<>\"'`&;:/\\[]()!*_~#|={}\n\t \u0000\u00a0\u202e"];
  const changes = [
    (text) => { const at = Math.floor(random() * (text.length + 1)); return text.slice(0, at) + any(signs) + text.slice(at); },
    (text) => { const at = Math.floor(random() * text.length); return text.slice(0, at) + text.slice(at + 1 + Math.floor(random() * 3)); },
    (text) => { const at = Math.floor(random() * text.length); return text.slice(0, at) + any(VECTORS) + text.slice(at); },
    (text) => text.replace(/[a-z]/g, (letter) => (random() < 0.3 ? letter.toUpperCase() : letter)),
    (text) => text.replace(/[a-z<>:]/g, (letter) => (random() < 0.15 ? `&#x${letter.charCodeAt(0).toString(16)};` : letter)),
    (text) => `${any(["> ", "- ", "1. ", "    ", "# ", "*", "**", "![", "[", "`", "~~"])}${text}${any(["", "*", "**", "](https://a.example/)", "`", "~~"])}`,
    (text) => `[${text}](https://a.example/${any(["", "\"", "'", "<", "\\"])})`,
    (text) => text + any(["\n", " ", ""]) + any(VECTORS),
  ];
  return Array.from({ length: count }, (_, number) => {
    let text = VECTORS[number % VECTORS.length];
    for (let left = number < VECTORS.length ? 0 : 1 + Math.floor(random() * 4); left > 0; left -= 1) text = any(changes)(text);
    return text.slice(0, 2000);
  });
}

const line = (text, number) => JSON.stringify({
  id: String(number + 1), parent: number % 3 ? String(Math.ceil(number / 2)) : null, page: "/about/",
  name: number % 5 ? "Eve" : "<img src=x onerror=window.__hit=1>", text,
  created_at: new Date(Date.UTC(2026, 4, 1) + number * 1000).toISOString(),
});

let browser, site;
before(async () => {
  browser = await launch();
  const root = await newBlog();
  await appendFile(join(root, "littoral.yaml"), CONFIGURATION);
  const about = join(root, "content/about.md");
  await writeFile(about, (await readFile(about, "utf8")).replace("---", "---\ncomments: true"));
  site = await Site.start("serve", root).catch(async () => {
    await command(["build", "--root", root]);
    return Site.start("serve", root);
  });
});
after(async () => {
  await browser.close();
  await site.end();
});

test("ten thousand hostile comments run nothing", { timeout: 600_000 }, async () => {
  const file = join(site.root, "hostile.ndjson");
  await writeFile(file, corpus(MANY).map(line).join("\n"));
  const said = await command(["comment", "import", file, "--root", site.root]);
  assert.match(said, new RegExp(`${MANY} of ${MANY} comments were new`));
  const page = await reader(browser, site, { bypassCSP: true });
  page.on("dialog", (dialog) => { page.complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  let seen = 0, path = "/comments?page=/about/";
  while (path) {
    await page.goto(path);
    const found = await page.evaluate(() => {
      const allowed = { P: [], EM: [], STRONG: [], DEL: [], CODE: [], PRE: [], BLOCKQUOTE: [], UL: [], OL: ["start"], LI: [], BR: [], A: ["href", "rel"] };
      const wrong = [];
      for (const element of document.querySelectorAll(".said *")) {
        const attributes = element.getAttributeNames();
        const isGood = element.tagName in allowed && attributes.every((name) => allowed[element.tagName].includes(name));
        const leads = element.tagName !== "A" || ["http:", "https:", "mailto:"].includes(element.protocol);
        if (!isGood || !leads) wrong.push(element.outerHTML.slice(0, 200));
      }
      // Whatever might wait for somebody to touch it.
      for (const element of document.querySelectorAll(".comment, .comment *")) {
        for (const name of ["mouseover", "focus", "error", "load", "toggle", "animationstart"]) element.dispatchEvent(new Event(name));
        if (element.tagName === "A") {
          element.addEventListener("click", (event) => event.preventDefault());
          element.click();
        }
      }
      const next = document.querySelector("a[rel=next]");
      return { wrong, hit: window.__hit, count: document.querySelectorAll(".comment").length, next: next && next.getAttribute("href") };
    });
    assert.deepEqual(found.wrong, []);
    assert.equal(found.hit, undefined, `something ran on ${path}`);
    seen += found.count;
    path = found.next;
  }
  assert.equal(seen, MANY);
  // In the page itself, where comments are among what the author wrote.
  await visit(page, "/about/");
  assert.equal(await page.evaluate(() => window.__hit), undefined);
  assertQuiet(page);
  await page.context().close();
});

test("a comment is written without JavaScript, and the list stays readable", async () => {
  const ann = await reader(browser, site, { javaScriptEnabled: false });
  await register(ann, site, "Ann");
  await ann.goto("/2026/09/rocks/");
  await ann.getByLabel("Your comment").fill("The *third* floor is mine.\n\n> No, mine.");
  await ann.getByRole("button", { name: "Send comment" }).click();
  await ann.getByText("third", { exact: true }).waitFor();
  assert.match(ann.url(), /\/2026\/09\/rocks\/#comment-\d+$/);
  await ann.getByRole("link", { name: "Reply to Ann" }).click();
  await ann.getByLabel("Your comment").fill("Whose?");
  await ann.getByRole("button", { name: "Reply" }).click();
  await ann.getByText("in reply to Ann").waitFor();
  assertQuiet(ann);
  await ann.context().close();
});

test("an open page hears of a new comment and offers it", async () => {
  const bob = await reader(browser, site);
  await visit(bob, "/2026/09/rocks/");
  await bob.locator("#comments").scrollIntoViewIfNeeded();
  await bob.waitForResponse((answer) => answer.url().includes("/_/comments/live")).catch(() => {});
  const cy = await reader(browser, site, { javaScriptEnabled: false });
  await register(cy, site, "Cy");
  await cy.goto("/2026/09/rocks/");
  await cy.getByLabel("Your comment").fill("News from below.");
  await cy.getByRole("button", { name: "Send comment" }).click();
  await bob.getByText("1 new comment").waitFor();
  await bob.getByRole("link", { name: "Load them" }).click();
  await bob.getByText("News from below.").waitFor();
  await cy.context().close();
  await bob.context().close();
});

test("pages of comments look right", async () => {
  const page = await reader(browser, site);
  await register(page, site, "Di");
  const first = await page.request.get("/comments/feed?page=/2026/09/rocks/");
  const id = (await first.text()).match(/comments\/(\d+)</)[1];
  for (const [name, path] of Object.entries({
    "comments-in-page": "/2026/09/rocks/", "comments-list": "/comments?page=/2026/09/rocks/&sort=newest",
    "comments-new": `/comments/new?reply=${id}`, "comments-choices": `/comments/${id}/choices`,
  })) {
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
  }
  await page.context().close();
});

test("moderators' pages look right", async () => {
  const page = await reader(browser, site);
  await register(page, site, "Moe");
  await command(["user", "role", "moe@shore.example", "moderator", "--root", site.root]);
  await page.goto("/admin/comments");
  await page.getByLabel("Address of your account").fill("moe@shore.example");
  const { PASSWORD } = await import("./chromium.mjs");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/admin/comments");
  for (const [name, path] of Object.entries({ "comments-queue": "/admin/comments?queue=shown", "comments-blocks": "/admin/comments/blocks" })) {
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
  }
  assertQuiet(page);
  await page.context().close();
});
