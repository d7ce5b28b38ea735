// Says that there are new comments, and offers to load them. Listens only while the comments can
// be seen: each page that listens holds a connection.
(() => {
  for (const list of document.querySelectorAll("[data-comments]")) {
    const offer = list.querySelector("[data-new]");
    if (!offer || !("EventSource" in window)) continue;
    let source, count = 0;
    const listen = () => {
      source = new EventSource("/_/comments/live?page=" + list.dataset.comments);
      source.addEventListener("new", () => {
        count += 1;
        offer.querySelector("[data-count]").textContent = count === 1 ? "1 new comment" : count + " new comments";
        offer.hidden = false;
      });
    };
    new IntersectionObserver(([entry]) => {
      if (entry.isIntersecting && !source) listen();
      else if (!entry.isIntersecting && source) { source.close(); source = undefined; }
    }).observe(list);
    offer.querySelector("a").addEventListener("click", (event) => { event.preventDefault(); location.reload(); });
  }
})();
