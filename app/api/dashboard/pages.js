// A document's page beside what was read of it: the picture on the left, text and tables on the right.

import { ask, picture, Problem } from "./api.js";
import * as correcting from "./correcting.js";
import { el, plain, put } from "./dom.js";
import { address, forget, wanted } from "./links.js";
import { blocks } from "./page_text.js";
import { sheet } from "./sheet.js";
import { count, number } from "./words.js";

const WIDTH = 1600;
const $ = (id) => document.getElementById(id);
const dialog = $("page");
let asked = 0;
let shown = null; // the place and the page that are to be seen
let source = null; // the address of the picture in memory
let refused = () => {};
let leaving = false;

/** Open pages that the address names from now on; `trouble` hears of refused tokens. */
export function listen(trouble) {
  refused = trouble;
  correcting.listen(trouble, () => $("page-notes").prepend(el("p", { role: "status" },
    "The correction is kept. The document is judged and published again; this page shows it when that is done.")));
}

/** Show the page that the address names, or none. */
export function follow() {
  const place = wanted();
  if (!place) { if (dialog.open) dialog.close(); return; }
  if (!dialog.open) dialog.showModal();
  load(place);
}

function clear() {
  asked += 1;
  correcting.close();
  shown = null;
  if (source) URL.revokeObjectURL(source);
  source = null;
  for (const id of ["page-title", "page-notes", "page-sheet", "page-text"]) $(id).replaceChildren();
  $("page-of").textContent = $("page-number").value = "";
}

/** Close it; the address stays, for who signs in again. */
export function close() {
  clear();
  leaving = dialog.open;
  if (dialog.open) dialog.close();
}

async function load(place) {
  const mine = ++asked;
  dialog.setAttribute("aria-busy", "true");
  const path = `/documents/${place.document}/pages/${place.number}`;
  try {
    const page = await ask("GET", path, { query: { job: place.job } });
    if (mine !== asked) return;
    draw(place, page);
    if (page.picture) await show(page, path, place, mine);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (mine === asked) fail(place, problem);
  } finally {
    if (mine === asked) dialog.removeAttribute("aria-busy");
  }
}

function draw(place, page) {
  const same = shown?.place.document === place.document;
  clearPicture();
  shown = { place, page };
  $("page-title").replaceChildren(plain(page.name));
  $("page-number").value = page.number;
  $("page-number").max = page.of;
  $("page-of").textContent = `of ${number(page.of)}`;
  $("page-before").disabled = page.number <= 1;
  $("page-after").disabled = page.number >= page.of;
  $("page-turn").hidden = !page.paged && page.of === 1;
  $("page-zoom").hidden = !page.picture;
  put($("page-notes"), notes(page));
  put($("page-text"), blocks(page, place.chunk));
  $("page-text").scrollTop = 0;
  correcting.offer(place.document, page);
  $("page-sheet").replaceChildren(el("p", { class: "soft" }, page.picture ? "The picture is drawn …"
    : "This kind of file has no pages of its own, so there is no picture."));
  $("page-body").classList.toggle("alone", !page.picture);
  if (!same || document.activeElement?.disabled) $("page-title").focus();
  bring(place.chunk);
}

async function show(page, path, place, mine) {
  try {
    const bytes = await picture(`${path}/picture`, { job: place.job, width: WIDTH });
    if (mine !== asked) return;
    source = URL.createObjectURL(bytes);
    put($("page-sheet"), await sheet(page, source, place.chunk));
    if (mine === asked) bring(place.chunk);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 401) { refused(problem); return; }
    if (mine === asked) $("page-sheet").replaceChildren(el("p", { class: "message bad", role: "alert" }, plain(`${problem.message} ${problem.remedy}`)));
  }
}

function fail(place, problem) {
  if (problem.status === -1) return;
  if (problem.status === 401) { refused(problem); return; }
  clear();
  $("page-number").value = place.number;
  $("page-before").disabled = place.number <= 1;
  $("page-after").disabled = true;
  $("page-zoom").hidden = true;
  $("page-title").replaceChildren("This page cannot be shown");
  $("page-notes").replaceChildren(el("p", { class: "message bad", role: "alert" }, plain(`${problem.message} ${problem.remedy}`)));
  shown = { place, page: { number: place.number, of: place.number } };
}

function clearPicture() {
  if (source) URL.revokeObjectURL(source);
  source = null;
}

function notes(page) {
  const told = page.notes.map((note) => [note.gap, note.message, note.pages]);
  if (page.error) told.unshift([true, page.error, []]);
  if (page.scanned && !page.notes.some((note) => note.gap)) told.unshift([true, "This page is a picture, and its text was not read.", []]);
  if (!page.published) told.push([false, "Readers do not see this version.", []]);
  if (!told.length) return [];
  return [el("ul", { "aria-label": "Notes" }, told.map(([gap, message, pages]) => el("li", { class: gap ? "gap" : "note" },
    el("b", {}, gap ? "Not read: " : "Note: "), plain(message), pages.length > 1 ? el("span", { class: "soft" }, ` (${count(pages.length, "page")})`) : null)))];
}

// What belongs to a chunk, on both sides.
const pieces = (id) => dialog.querySelectorAll(`[data-chunks~="${CSS.escape(id)}"]`);

function bring(chunk) {
  if (!chunk) return;
  for (const side of ["page-text", "page-sheet"]) {
    $(side).querySelector(`[data-chunks~="${CSS.escape(chunk)}"]`)?.scrollIntoView({ block: "center", inline: "nearest" });
  }
}

function mark(event) {
  const found = event.target.closest?.("[data-chunks]");
  for (const each of dialog.querySelectorAll(".on")) each.classList.remove("on");
  if (!found || event.type === "focusout") return;
  const chunk = found.dataset.chunks.split(" ").at(-1);
  for (const each of pieces(chunk)) each.classList.add("on");
  // What is marked by the keyboard is to be seen on the other side; a mouse must not move pages.
  if (event.type === "focusin") {
    const other = $("page-sheet").contains(found) ? "page-text" : "page-sheet";
    $(other).querySelector(`[data-chunks~="${CSS.escape(chunk)}"]`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

function turn(by) {
  if (!shown) return;
  go(shown.page.number + by);
}

function go(target) {
  if (target >= 1 && (target <= shown.page.of || !shown.page.job_id)) location.hash = address({ ...shown.place, number: target });
}

for (const name of ["mouseover", "focusin", "focusout"]) dialog.addEventListener(name, mark);
dialog.addEventListener("click", (event) => {
  const found = event.target.closest("[data-chunks]");
  if (!found || found.closest("a")) return;
  const chunk = found.dataset.chunks.split(" ").at(-1);
  const other = $("page-sheet").contains(found) ? "page-text" : "page-sheet";
  $(other).querySelector(`[data-chunks~="${CSS.escape(chunk)}"]`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
});
dialog.addEventListener("keydown", (event) => {
  if (event.target.matches("input") || event.altKey || event.ctrlKey || event.metaKey) return;
  if (dialog.classList.contains("zoomed") && event.target.closest("#page-sheet")) return;
  if (event.key === "ArrowLeft") turn(-1);
  if (event.key === "ArrowRight") turn(1);
});
dialog.addEventListener("close", () => { clear(); if (!leaving) forget(); leaving = false; });
$("page-before").addEventListener("click", () => turn(-1));
$("page-after").addEventListener("click", () => turn(1));
$("page-turn").addEventListener("submit", (event) => { event.preventDefault(); if (shown) go(Number($("page-number").value)); });
$("page-close").addEventListener("click", () => dialog.close());
$("page-zoom").addEventListener("click", (event) => {
  const zoomed = dialog.classList.toggle("zoomed");
  event.currentTarget.setAttribute("aria-pressed", String(zoomed));
});
