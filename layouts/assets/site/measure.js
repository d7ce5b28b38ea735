// How long a page is on its way, measured here: a built one and an answered one in turn, so
// that a slow moment meets both.
const measure = document.querySelector("[data-measure]");
const cells = [...document.querySelectorAll("[data-median]")];
const addresses = cells.map((cell) => cell.dataset.median);

if (measure && addresses.length) {
  const ROUNDS = 40;
  const button = measure.querySelector("button"), said = measure.querySelector("[role=status]");
  const once = async (address) => {
    const since = performance.now();
    const answer = await fetch(address, { cache: "no-store" });
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`${address} answers ${answer.status}`);
    return performance.now() - since;
  };
  const show = (name, address, time) => {
    for (const cell of document.querySelectorAll(`[data-${name}]`)) {
      if (cell.dataset[name] === address) cell.textContent = `${time.toFixed(2)} ms`;
    }
  };
  button.onclick = async () => {
    button.disabled = true;
    measure.dataset.state = "busy";
    said.textContent = "Measuring…";
    try {
      const times = new Map(addresses.map((address) => [address, []]));
      // The first of each opens connections and fills caches, and is not counted.
      for (const address of addresses) await once(address);
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const [address, list] of times) list.push(await once(address));
      }
      for (const [address, list] of times) {
        list.sort((one, other) => one - other);
        show("median", address, (list[ROUNDS / 2 - 1] + list[ROUNDS / 2]) / 2);
        show("most", address, list[Math.ceil(ROUNDS * 0.95) - 1]);
      }
      said.textContent = `Measured, ${ROUNDS} times each.`;
    } catch (error) {
      said.textContent = `It could not be measured: ${error.message}.`;
    }
    delete measure.dataset.state;
    button.disabled = false;
  };
  measure.hidden = false;
}
