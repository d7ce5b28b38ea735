// What a script makes nicer: without it, links lead to pages and forms post to them.

const root = document.documentElement;
const find = (selector, within = document) => within.querySelector(selector);
const all = (selector) => document.querySelectorAll(selector);
const make = (name, properties = {}, ...inside) => {
  const element = Object.assign(document.createElement(name), properties);
  for (const key in properties) if (/-|role/.test(key)) element.setAttribute(key, properties[key]);
  element.append(...inside);
  return element;
};
// A dialog that a click beside it closes.
const sheet = (label, inside) => {
  const dialog = make("dialog", { "aria-label": label }, inside);
  dialog.onclick = (click) => { if (click.target === dialog) dialog.close(); };
  document.body.append(dialog);
  return dialog;
};
const get = async (path) => {
  const answer = await fetch(path);
  if (!answer.ok) throw answer.status;
  return answer;
};
const json = async (path) => (await get(path)).json();

// Contents that fold away on a narrow screen stand open on a wide one.
const wide = matchMedia("(min-width: 62rem)");
const unfold = () => all("[data-wide-open]").forEach((details) => { details.open = wide.matches; });
wide.onchange = unfold;
unfold();

// The manual's contents scroll to this page.
const here = find(".rail [aria-current]");
if (here && wide.matches) { const rail = here.closest(".rail"); rail.scrollTop = here.offsetTop - rail.clientHeight / 2; }

// The heading that is being read, in the contents.
const inContents = new Map([...all(".contents a[href^='#']")].map((link) => [decodeURIComponent(link.hash.slice(1)), link]));
if (inContents.size) {
  const seen = new IntersectionObserver((entries) => {
    const top = entries.filter((entry) => entry.isIntersecting).pop();
    if (!top) return;
    inContents.forEach((link) => link.removeAttribute("aria-current"));
    inContents.get(top.target.id)?.setAttribute("aria-current", "location");
  }, { rootMargin: "0px 0px -75% 0px" });
  for (const id of inContents.keys()) {
    const heading = document.getElementById(id);
    if (heading) seen.observe(heading);
  }
}

// Search: a dialog with suggestions (the combobox pattern of ARIA 1.2).
const opener = find("[data-find]");
if (opener) {
  find("kbd", opener)?.removeAttribute("hidden");
  let dialog, input, list, said, chosen = -1, asked = 0;
  const choose = (at) => {
    const every = [...list.children];
    chosen = every.length ? (at + every.length) % every.length : -1;
    every.forEach((option, index) => option.setAttribute("aria-selected", index === chosen));
    every[chosen]?.scrollIntoView({ block: "nearest" });
    if (chosen >= 0) input.setAttribute("aria-activedescendant", every[chosen].id);
  };
  const show = (found) => {
    list.replaceChildren(...found.map((item, index) => {
      const option = make("li", { role: "option", id: `found-${index}`, "aria-selected": "false", "data-url": item.url, onclick: () => { location = item.url; } }, item.text);
      if (item.heading) option.append(make("span", {}, item.title));
      return option;
    }));
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", found.length > 0);
    said.textContent = found.length ? `${found.length} found. Arrow keys choose, Enter opens.` : input.value.trim() ? "Nothing begins like this. Enter searches the text." : "";
    chosen = -1;
    input.removeAttribute("aria-activedescendant");
  };
  const ask = async () => {
    const mine = ++asked, words = input.value.trim();
    if (!words) return show([]);
    try {
      const answer = await json(`/_/suggest?q=${encodeURIComponent(words)}`);
      if (mine === asked) show(answer.suggestions);
    } catch { said.textContent = "Suggestions do not answer. Enter goes to the search page."; }
  };
  const open = (event) => {
    event?.preventDefault();
    if (!dialog) {
      input = make("input", { type: "search", name: "q", id: "find", autocomplete: "off", role: "combobox", "aria-expanded": "false", "aria-controls": "found", "aria-autocomplete": "list" });
      list = make("ul", { id: "found", role: "listbox", "aria-label": "Suggestions", hidden: true });
      said = make("p", { role: "status" });
      dialog = sheet("Search", make("form", { action: "/search", role: "search" }, make("label", { htmlFor: "find" }, "Search this site"), input, list, said));
      let wait;
      input.oninput = () => { clearTimeout(wait); wait = setTimeout(ask, 90); };
      input.onkeydown = (key) => {
        const act = {
          ArrowDown: () => choose(chosen + 1),
          ArrowUp: () => choose(chosen < 0 ? -1 : chosen - 1),
          // A search field would take the first Escape to empty itself.
          Escape: () => dialog.close(),
          Enter: chosen >= 0 && (() => list.children[chosen].click()),
        }[key.key];
        if (act) { key.preventDefault(); act(); }
      };
    }
    dialog.showModal();
    input.select();
  };
  opener.onclick = (click) => { if (!click.metaKey && !click.ctrlKey && !click.shiftKey) open(click); };
  addEventListener("keydown", (key) => {
    const typing = key.target.closest?.("input, textarea, select, [contenteditable]");
    if ((key.key === "/" && !typing && !key.ctrlKey && !key.metaKey && !key.altKey) || (key.key === "k" && (key.ctrlKey || key.metaKey))) open(key);
  });
}

// The look: in a cookie that look.js reads, and at the edge, which carries it into an account.
const tell = (what, fields) => fetch(`/_/${what}`, { method: "POST", body: new URLSearchParams(fields), keepalive: true }).catch(() => {});
const put = (key, value, plain) => { if (value === plain) delete root.dataset[key]; else root.dataset[key] = value; };
const wear = (theme, size) => { put("theme", theme, "system"); put("size", size, "normal"); };
const lookButton = find("[data-look]");
if (lookButton) {
  lookButton.hidden = false;
  const choices = { theme: ["system", "light", "dark"], size: ["small", "normal", "large"] };
  let dialog, chosen;
  const keep = () => {
    const theme = find("[name=theme]:checked", dialog).value, size = find("[name=size]:checked", dialog).value;
    wear(theme, size);
    document.cookie = `littoral_look=${theme}.${size}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
    chosen = { theme, size };
  };
  // Told once, when the choice is made: two answers could come in the wrong order.
  const close = () => {
    if (chosen && find("[data-account]")) tell("preferences", chosen);
    chosen = null;
  };
  const group = (name, label, now) => make("fieldset", {}, make("legend", {}, label), ...choices[name].map((value) =>
    make("label", {}, make("input", { type: "radio", name, value, checked: value === now }), value[0].toUpperCase() + value.slice(1))));
  lookButton.onclick = () => {
    if (!dialog) {
      dialog = sheet("Display", make("form", { method: "dialog" },
        group("theme", "Theme", root.dataset.theme ?? "system"), group("size", "Text size", root.dataset.size ?? "normal"),
        make("button", { type: "submit" }, "Done")));
      dialog.onchange = keep;
      dialog.onclose = close;
    }
    dialog.showModal();
  };
}

// Who is signed in, in what look, and how far they read. Nothing is sent for anybody else.
const accountLink = find("[data-account]");
if (accountLink) {
  json("/_/me").then((me) => {
    if (!me?.signed_in) return;
    accountLink.href = "/account";
    accountLink.textContent = me.name;
    // What is unread.
    const bell = find("[data-bell]") ?? make("a", { href: "/notifications" });
    if (!bell.isConnected) accountLink.before(bell);
    const ring = (words) => bell.replaceChildren("Notifications", ...(words === "0" ? [] : [make("strong", {}, words)]));
    ring(me.unread);
    let live;
    const listen = () => {
      live?.close();
      live = document.hidden ? null : new EventSource("/_/notifications/live");
      live?.addEventListener("unread", (told) => ring(JSON.parse(told.data).words));
    };
    listen();
    document.addEventListener("visibilitychange", listen);
    if (!/(^|; )littoral_look=/.test(document.cookie) && (me.theme || me.size)) {
      wear(me.theme ?? "system", me.size ?? "normal");
      tell("preferences", { theme: me.theme ?? "", size: me.size ?? "" });
    }
    if (!document.body.matches(".page")) return;
    // The furthest place of this visit: on the way out one scrolls up to the menu.
    let furthest = -1, anchor = "";
    const look = () => {
      const length = root.scrollHeight - innerHeight;
      const position = length < 1 ? 1 : Math.min(1, Math.max(0, scrollY / length));
      if (position <= furthest) return;
      furthest = position;
      anchor = [...all(".text :is(h2, h3)[id]")].filter((heading) => heading.getBoundingClientRect().top < innerHeight / 3).pop()?.id ?? "";
    };
    const note = () => tell("read", { path: location.pathname, position: furthest.toFixed(3), anchor });
    look();
    note();
    addEventListener("scroll", look, { passive: true });
    document.addEventListener("visibilitychange", () => { if (document.hidden) note(); });
  }).catch(() => {});
}

// Boxes that the edge fills: the answer is HTML of this site's own edge.
all("[data-live]").forEach(async (box) => {
  const since = performance.now();
  box.setAttribute("aria-busy", "true");
  try {
    box.innerHTML = await (await get(box.dataset.live)).text();
    box.append(make("p", { className: "took" }, `Asked and shown in ${(performance.now() - since).toFixed(1)} ms.`));
  } catch { /* What stands in the box leads to the same answer. */ }
  box.removeAttribute("aria-busy");
});

// How long this file was on its way.
const arrival = find("[data-arrival]");
if (arrival) {
  const [way] = performance.getEntriesByType("navigation");
  if (way?.responseEnd) arrival.textContent = `Asked and received in ${(way.responseEnd - way.requestStart).toFixed(1)} ms: a file, sent as it is.`;
}

// A page that is not here: search for the words of its address.
const lost = find("[data-words-of-path]");
if (lost) lost.value = decodeURIComponent(location.pathname).replace(/\.\w+$/, "").split(/[^\p{L}\p{N}]+/u).filter((word) => word.length > 1).join(" ");
