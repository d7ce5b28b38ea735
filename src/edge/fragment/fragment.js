// Fills the fragments of a page that no edge has filled: one behind a CDN, or a page of the
// edge's own. What was filled in time is no element any more, so nothing is filled twice. A
// fallback that cannot be replaced stays.
for (const element of document.querySelectorAll("littoral-fragment[src]")) {
  const from = element.getAttribute("src");
  if (!from.startsWith("/_/fragment/")) continue;
  fetch(from, { headers: { accept: "text/html" } })
    .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))
    .then((html) => {
      const made = document.createRange().createContextualFragment(html);
      element.replaceWith(made);
    })
    .catch(() => element.removeAttribute("src"));
}
