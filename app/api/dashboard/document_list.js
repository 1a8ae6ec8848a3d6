// The list of documents: filtered, sorted, a page at a time; what is chosen is retried or acknowledged.

import { el, fill, plain, table } from "./dom.js";
import { below, pageLink, viewAddress, viewLink } from "./links.js";
import { badge, documentButton } from "./panels.js";
import { count, dollars, number, when } from "./words.js";

const ON_A_PAGE = 50;
const FILTERS = ["name", "state", "tag", "error", "order"];
const form = document.getElementById("filter");
const bar = document.getElementById("chosen");
const chosen = new Set(); // ids of documents
let listed = [];
let actions = null;

/** Take filters and choices from now on; `does` as the board has it. */
export function listen(does) {
  actions = does;
  form.addEventListener("submit", (event) => { event.preventDefault(); go(); });
  for (const name of ["state", "order"]) form.elements[name].addEventListener("change", go);
  document.getElementById("filter-none").addEventListener("click", () => { location.hash = viewAddress("documents"); });
  for (const [id, fit, act] of [["bulk-retry", helped, "retry"], ["bulk-acknowledge", known, "acknowledge"]]) {
    document.getElementById(id).addEventListener("click", async (event) => {
      await actions[act](fit().map((each) => each.latest_job_id), event.currentTarget);
      chosen.clear();
      mark();
    });
  }
}

function go() {
  const filters = Object.fromEntries(FILTERS.map((name) => [name, form.elements[name].value.trim()]));
  if (filters.order === "newest") filters.order = "";
  location.hash = viewAddress("documents", filters);
}

/** The address says other filters. */
export function follow(filters) {
  if (filters.view !== "documents") return;
  for (const name of FILTERS) form.elements[name].value = filters[name] ?? (name === "order" ? "newest" : "");
  form.elements.error.closest("label").hidden = !filters.error;
  chosen.clear();
  listed = [];
  mark();
}

export function clear() {
  form.reset();
  chosen.clear();
  listed = [];
  mark();
}

/** The documents that the address's filters say. */
export function ask({ get, whose, filters }) {
  const { name = "", state = "", tag = "", error = "", order = "", cursor = "" } = filters;
  return get("/documents", { ...whose, name, state, tag, error, order, cursor, limit: ON_A_PAGE });
}

export function show(told) {
  listed = told.items;
  for (const id of chosen) if (!listed.some((each) => each.id === id)) chosen.delete(id);
  fill("list", [told, below()], ([{ items, next }, filters]) => [items.length ? rows(items) : nothing(filters), turning(next, filters)]);
  mark();
}

const nothing = (filters) => el("p", { class: "soft" }, FILTERS.some((name) => filters[name]) ? "No document is like that."
  : filters.cursor ? "There are no more documents." : "There are no documents yet.");

function rows(items) {
  return table("A name opens the document's history", ["Document", "State", "What to know", ">Pages", ">Cost", ">Changed"], items.map((each) => [
    el("span", { class: "chooses" }, el("input", { type: "checkbox", "data-document": each.id, "aria-label": `Choose ${plain(each.name)}`,
      disabled: !each.latest_job_id, onchange: choose }), documentButton(each.latest_job_id, each.name, actions.open, "listed")),
    el("span", {}, each.state ? badge(each.state) : "–", each.acknowledged ? [" ", el("span", { class: "badge quiet" }, "acknowledged")] : null),
    knownOf(each),
    each.pages === null ? "–" : number(each.pages), dollars(each.cost_usd), when(each.updated_at),
  ]));
}

// The error, or the gaps; the tags; the first page, where something was read.
function knownOf(each) {
  const gaps = each.notes.filter((note) => note.gap).length;
  const parts = [
    each.error ? el("span", { title: plain(each.error.remedy) }, plain(each.error.message)) : null,
    gaps ? el("span", { class: "badge warn" }, count(gaps, "gap")) : null,
    each.tags.map((tag) => [viewLink("documents", { tag }, plain(tag)), " "]),
    each.chunks === null ? null : pageLink({ document: each.id, number: 1 }, each.pages === null ? "Show the text" : "Show the pages"),
  ].flat().filter(Boolean);
  return parts.length ? el("span", { class: "known" }, parts) : "–";
}

function turning(next, filters) {
  const { view: _, user: __, cursor, ...rest } = filters;
  if (!next && !cursor) return null;
  return el("p", { class: "turning" },
    cursor ? viewLink("documents", rest, "First documents") : null,
    next ? viewLink("documents", { ...rest, cursor: next }, `Next ${ON_A_PAGE}`) : el("span", { class: "soft" }, "These are the last."));
}

function choose(event) {
  const { checked, dataset } = event.currentTarget;
  if (checked) chosen.add(dataset.document);
  else chosen.delete(dataset.document);
  mark();
}

document.getElementById("choose-all").addEventListener("change", (event) => {
  chosen.clear();
  if (event.currentTarget.checked) for (const each of listed) if (each.latest_job_id) chosen.add(each.id);
  mark();
});

const picked = () => listed.filter((each) => chosen.has(each.id));
const helped = () => picked().filter((each) => each.retry_helps);
const known = () => picked().filter((each) => !each.acknowledged && (each.state.startsWith("failed") || each.state === "quarantined"));

// What can be done with what is chosen; a button without effect cannot be pressed.
function mark() {
  for (const box of document.querySelectorAll("#list [data-document]")) box.checked = chosen.has(box.dataset.document);
  const all = listed.filter((each) => each.latest_job_id).length;
  const box = document.getElementById("choose-all");
  box.checked = all > 0 && chosen.size === all;
  box.indeterminate = chosen.size > 0 && chosen.size < all;
  bar.hidden = !listed.length;
  document.getElementById("chosen-count").textContent = chosen.size ? `${count(chosen.size, "document")} chosen` : "none chosen";
  for (const [id, fit, word] of [["bulk-retry", helped(), "Retry"], ["bulk-acknowledge", known(), "Acknowledge"]]) {
    const button = document.getElementById(id);
    button.disabled = !fit.length;
    button.textContent = fit.length ? `${word} ${number(fit.length)}` : word;
  }
}

