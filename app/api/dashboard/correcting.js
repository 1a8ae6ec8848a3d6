// Correct what was read of a page: a paragraph or a table's cell, chosen in the page view.

import { ask, Problem } from "./api.js";
import { plain } from "./dom.js";

const $ = (id) => document.getElementById(id);
const dialog = $("correct");
const mode = $("page-correct");
const text = $("page-text");
let page = null;
let document_ = null;
let chosen = null; // what is to be corrected, as the API takes it
let refused = () => {};
let saved = () => {};

/** `trouble` hears of refused tokens, `done` that a correction is on its way. */
export function listen(trouble, done) {
  [refused, saved] = [trouble, done];
}

/** A page is shown: its parts can be corrected while the mode is on. */
export function offer(id, shown) {
  [document_, page] = [id, shown];
  mode.hidden = false;
  mark();
}

/** No page is shown. */
export function close() {
  page = document_ = chosen = null;
  mode.hidden = true;
  mode.setAttribute("aria-pressed", "false");
  if (dialog.open) dialog.close();
  for (const id of ["correct-before", "correct-told"]) $(id).replaceChildren();
  $("correct-form").reset();
}

const on = () => mode.getAttribute("aria-pressed") === "true";
const parts = () => text.querySelectorAll("[data-from], [data-cell]");

function mark() {
  text.classList.toggle("correctable", on());
  for (const part of parts()) {
    if (on()) { part.tabIndex = 0; part.setAttribute("aria-describedby", "correct-hint"); }
    else { part.removeAttribute("tabindex"); part.removeAttribute("aria-describedby"); }
  }
  $("correct-hint").hidden = !on();
}

// What the API is to look for: the words as they were read, and how often they stand before.
function described(part) {
  if (part.dataset.cell) {
    const [table, row, column] = part.dataset.cell.split(",").map(Number);
    return { before: page.tables[table].rows[row][column], occurrence: 0, cell: [table, row, column] };
  }
  const letters = Array.from(page.text);
  const before = letters.slice(Number(part.dataset.from), Number(part.dataset.to)).join("");
  const start = letters.slice(0, Number(part.dataset.from)).join("").length;
  let occurrence = 0;
  for (let at = page.text.indexOf(before); at >= 0 && at < start; at = page.text.indexOf(before, at + 1)) occurrence += 1;
  return { before, occurrence, cell: null };
}

function open(part) {
  chosen = { page: page.number, ...described(part) };
  $("correct-before").textContent = plain(chosen.before.replaceAll("\n", " ")) || "nothing";
  $("correct-after").value = chosen.before;
  $("correct-told").textContent = "";
  dialog.showModal();
  $("correct-after").focus();
}

text.addEventListener("click", (event) => {
  const part = on() ? event.target.closest("[data-cell]") ?? event.target.closest("[data-from]") : null;
  if (part && !event.target.closest("a, button")) open(part);
});
text.addEventListener("keydown", (event) => {
  if (on() && event.key === "Enter" && event.target.matches("[data-from], [data-cell]")) { event.preventDefault(); open(event.target); }
});
mode.addEventListener("click", () => { mode.setAttribute("aria-pressed", String(!on())); mark(); });
$("correct-stay").addEventListener("click", () => dialog.close());
$("correct-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const save = $("correct-save");
  save.disabled = true;
  try {
    const body = { ...chosen, after: $("correct-after").value, reason: $("correct-reason").value.trim() };
    await ask("POST", `/review/${document_}/correct`, { body });
    dialog.close();
    saved();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 401) refused(problem);
    else $("correct-told").textContent = plain(`${problem.message} ${problem.remedy}`);
  }
  save.disabled = false;
});
