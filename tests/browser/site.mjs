// A site on this machine: a copy of a real one, and the real binary over it.
//
// Nothing here knows of a browser. What is started is ended by its own process id, and what
// is copied is removed.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { cp, mkdtemp, rm, stat, writeFile, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
export const LITTORAL = process.env.LITTORAL ?? join(REPOSITORY, "target/debug/littoral");
/** What a build reads: the folders of `Sources`, and the configuration. */
const INPUTS = ["content", "layouts", "static", "data", "dynamic", "littoral.yaml"];
/** How long a first build and a server's start may take on a busy machine, in milliseconds. */
const PATIENCE = 60_000;

const folderFor = () => mkdtemp(join(tmpdir(), "littoral-browser-"));

/** This repository's own site. */
export async function copyOfTheManual() {
  const root = await folderFor();
  for (const input of INPUTS) {
    const from = join(REPOSITORY, input);
    if (await stat(from).catch(() => null)) await cp(from, join(root, input), { recursive: true });
  }
  return root;
}

/** The blog that `littoral new` makes. */
export async function newBlog() {
  const root = join(await folderFor(), "blog");
  await promisify(execFile)(LITTORAL, ["new", root, "--title", "Low Water"]);
  return root;
}

/** Runs the program once, with something on its standard input. */
export function command(words, input) {
  return new Promise((resolve, reject) => {
    const child = execFile(LITTORAL, words, (error, out) => (error ? reject(error) : resolve(out)));
    child.stdin.end(input);
  });
}

/** A running `littoral serve` or `littoral watch`. */
export class Site {
  #process;
  #said;

  /** @param {"serve" | "watch"} command */
  static async start(command, root) {
    const site = new Site();
    site.root = root;
    site.#said = "";
    site.#process = spawn(LITTORAL, [command, "--root", root, "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "pipe"] });
    site.#process.stderr.on("data", (text) => { site.#said += text; });
    site.origin = await new Promise((resolve, reject) => {
      const giveUp = (why) => reject(new Error(`littoral ${command} ${why}\n${site.#said}`));
      const clock = setTimeout(giveUp, PATIENCE, "gave no address in time");
      site.#process.once("error", (error) => giveUp(error.message));
      site.#process.once("exit", (status) => giveUp(`ended with ${status}`));
      createInterface({ input: site.#process.stdout }).on("line", (line) => {
        const address = line.match(/ (?:at|is at) (http:\/\/\S+?)\/?$/)?.[1];
        if (address) { clearTimeout(clock); resolve(address); }
      });
    });
    return site;
  }

  /** Changes one file of the site, as an editor would. */
  async edit(path, change) {
    const file = join(this.root, path);
    const before = await readFile(file, "utf8");
    const after = change(before);
    assert.notEqual(after, before, `the edit of ${path} changes nothing`);
    await writeFile(file, after);
  }

  /** The paths of all pages, as the sitemap has them. */
  async paths() {
    const sitemap = await (await fetch(`${this.origin}/sitemap.xml`)).text();
    return [...sitemap.matchAll(/<loc>([^<]+)<\/loc>/g)].map(([, url]) => new URL(url).pathname);
  }

  /** Ends the server, which must go in peace, and removes the copy. */
  async end() {
    this.#process.removeAllListeners("exit");
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    if (this.#process.exitCode === null) this.#process.kill("SIGTERM");
    const status = this.#process.exitCode ?? (await ended);
    await rm(this.root, { recursive: true, force: true });
    assert.equal(status, 0, `the server ended with ${status}\n${this.#said}`);
    assert.ok(!/panicked at/.test(this.#said), this.#said);
  }
}
