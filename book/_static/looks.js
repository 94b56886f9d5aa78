/* A figure that can be asked: point at a token, focus it, tap it or walk to it with the arrow keys, and see where it looks.
   figures.looks() writes the tokens, the weights and a table of them; without this script the table is what one reads. */

function prepare(figure) {
  const weights = JSON.parse(figure.dataset.weights); // one row for each asker, one column for each token looked at
  const askers = [...figure.querySelectorAll(".looks-askers button")];
  const looked = [...figure.querySelectorAll(".looks-at span")];
  const said = figure.querySelector(".looks-said");

  function show(row) {
    askers.forEach((asker, i) => asker.setAttribute("aria-pressed", String(i === row)));
    looked.forEach((token, i) => token.style.setProperty("--weight", weights[row][i].toFixed(3)));
    const order = weights[row].map((weight, i) => [weight, looked[i].textContent]).sort((a, b) => b[0] - a[0]);
    const most = order.slice(0, 3).filter(([weight]) => weight >= 0.01);
    said.textContent = `${askers[row].textContent} looks at ` +
      most.map(([weight, token]) => `${token} (${Math.round(100 * weight)} %)`).join(", ");
  }

  askers.forEach((asker, row) => {
    asker.addEventListener("pointerenter", () => show(row));
    asker.addEventListener("focus", () => show(row));
    asker.addEventListener("click", () => show(row));
    asker.tabIndex = row === 0 ? 0 : -1; // one stop of the Tab key; the arrows do the rest
  });
  figure.querySelector(".looks-askers").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1 }[event.key];
    const last = askers.length - 1;
    const now = askers.indexOf(document.activeElement);
    const next = event.key === "Home" ? 0 : event.key === "End" ? last : step && Math.min(Math.max(now + step, 0), last);
    if (next === undefined || now < 0) return;
    event.preventDefault();
    askers.forEach((asker, row) => { asker.tabIndex = row === next ? 0 : -1; });
    askers[next].focus();
  });
  figure.classList.add("looks-alive");
  show(0);
}

document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".looks").forEach(prepare));
