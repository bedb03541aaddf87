// Shortcuts only: every page works without this file. The keys are told on /keys.
"use strict";
const rows = [...document.querySelectorAll("[data-row]")];
const boxes = [...document.querySelectorAll("input[name=chosen][type=checkbox]")];
const all = document.querySelector("[data-all]");
let here = -1;

function go(step) {
  if (!rows.length) return;
  here = Math.min(Math.max(here + step, 0), rows.length - 1);
  rows[here].querySelector("[data-open]").focus();
}

function follow(key) {
  const place = [...document.querySelectorAll("[data-key]")].find((each) => each.dataset.key === key);
  if (!place) return false;
  if (place.matches("a")) place.click();
  else place.focus();
  return true;
}

function press(event) {
  const { key } = event;
  if (key === "j" || key === "k") return go(key === "j" ? 1 : -1) ?? true;
  if (here >= 0 && key === "x") return rows[here].querySelector("input")?.click() ?? true;
  if (here >= 0 && key === "o") return rows[here].querySelector("[data-open]").click() ?? true;
  const page = document.querySelector(`[data-go="${CSS.escape(key.toLowerCase())}"]`);
  if (page && (event.shiftKey || key === "?")) return page.click() ?? true;
  return follow(key);
}

document.addEventListener("keydown", (event) => {
  const isWriting = event.target.matches("input:not([type=checkbox]), select, textarea");
  if (event.key === "Escape" && isWriting) event.target.blur();
  if (isWriting || event.ctrlKey || event.metaKey || event.altKey || event.key.length > 1) return;
  if (press(event)) event.preventDefault();
});
document.addEventListener("focusin", (event) => {
  const row = event.target.closest("[data-row]");
  if (row) here = rows.indexOf(row);
});
all?.addEventListener("change", () => boxes.forEach((box) => { box.checked = all.checked; }));
