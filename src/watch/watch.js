// Runs in each page that `littoral watch` serves: loads the page again when a build is done,
// swaps stylesheets in place, and shows the mistakes of a failed build over the page.
(() => {
  "use strict";
  const source = new EventSource("/_/events");
  let known = null;
  let host = null;
  // What had the focus before the mistakes were shown, to have it again.
  let before = null;

  source.addEventListener("built", (event) => {
    const { id, css } = JSON.parse(event.data);
    const isFirst = known === null && host === null;
    const isSame = known === id;
    known = id;
    hide();
    if (isFirst || isSame) return;
    if (css) swapStylesheets();
    else location.reload();
  });

  source.addEventListener("failed", (event) => show(JSON.parse(event.data).errors));

  // The new sheet is loaded before the old one goes, so the page is never bare.
  function swapStylesheets() {
    for (const link of document.querySelectorAll('link[rel="stylesheet"]')) {
      const url = new URL(link.href);
      if (url.origin !== location.origin) continue;
      url.searchParams.set("v", Date.now());
      const next = link.cloneNode();
      next.href = url.href;
      next.addEventListener("load", () => link.remove());
      link.after(next);
    }
  }

  function hide() {
    if (!host) return;
    host.remove();
    host = null;
    if (before?.isConnected) before.focus();
    before = null;
  }

  function show(errors) {
    // At a second failure in a row the focus is in what this replaces.
    const focused = host ? before : document.activeElement;
    host?.remove();
    before = focused;
    host = document.createElement("div");
    const root = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`
      dialog { all: initial; position: fixed; inset: 0; z-index: 2147483647; overflow: auto; box-sizing: border-box;
        padding: 2rem max(1rem, calc(50vw - 30rem)); background: oklch(22% 0.03 240 / 0.97); color: oklch(95% 0.01 90);
        font: 16px/1.5 system-ui, sans-serif; display: block; width: auto; height: auto; max-width: none; max-height: none; }
      h2 { font-size: 1.25rem; margin: 0 0 1rem; } p { margin: 0.25rem 0; }
      section { border-top: 1px solid oklch(60% 0.03 240); padding: 1rem 0; }
      pre { font: 14px/1.6 ui-monospace, monospace; background: oklch(16% 0.03 240); padding: 0.75rem 1rem; margin: 0.5rem 0;
        overflow-x: auto; }
      code { font-family: ui-monospace, monospace; background: oklch(16% 0.03 240); padding: 0.1em 0.3em; }
      :focus-visible { outline: 2px solid; outline-offset: 2px; } dialog:focus { outline: none; }
      dialog::backdrop { background: none; }
      .code { font-family: ui-monospace, monospace; color: oklch(80% 0.12 40); } .caret { color: oklch(80% 0.12 40); }
      .place { font-family: ui-monospace, monospace; font-size: 0.875rem; }
      button { font: inherit; padding: 0.25rem 0.75rem; background: none; color: inherit; border: 1px solid; cursor: pointer; }`);
    root.adoptedStyleSheets = [sheet];
    const dialog = add(root, "dialog");
    dialog.setAttribute("role", "dialog");
    dialog.setAttribute("aria-modal", "true");
    dialog.setAttribute("aria-label", "Mistakes in the site");
    add(dialog, "h2", errors.length === 1 ? "One mistake keeps the site from being built" : `${errors.length} mistakes keep the site from being built`);
    for (const error of errors) {
      const section = add(dialog, "section");
      const title = add(section, "p");
      add(title, "span", error.code + " ").className = "code";
      addWords(title, error.message);
      const place = error.place;
      if (place) {
        add(section, "p", place.line ? `${place.file}:${place.line}:${place.column}` : place.file).className = "place";
        if (place.line) {
          const pre = add(section, "pre", place.text + "\n");
          const indent = [...place.text].slice(0, place.column - 1).map((c) => (c === "\t" ? "\t" : " ")).join("");
          add(pre, "span", indent + "^".repeat(Math.max(1, place.width))).className = "caret";
        }
      }
      for (const hint of error.hints) addWords(add(section, "p"), hint);
    }
    add(dialog, "p", "The page behind is the last good one. It is built again when you save.");
    const close = add(dialog, "button", "Look at the page (Esc)");
    close.addEventListener("click", hide);
    // By Escape, wherever the focus is. The page behind cannot be reached meanwhile.
    dialog.addEventListener("cancel", hide);
    dialog.addEventListener("close", hide);
    document.body.append(host);
    dialog.showModal();
    close.focus({ preventScroll: true });
    dialog.scrollTop = 0;
  }

  // A message is text in which backticks stand around code.
  function addWords(parent, text) {
    text.split("`").forEach((piece, at, all) => {
      if (at % 2 === 1 && at < all.length - 1) add(parent, "code", piece);
      else parent.append(at % 2 === 1 ? "`" + piece : piece);
    });
  }

  function add(parent, name, text) {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    return parent.appendChild(element);
  }
})();
