// The dashboard's views: which panels each has, and which of them is seen.
//
// A panel is a module with `place` (its section: id, title, and whether it is wide), `ask`, which
// asks for what it shows (or gives null where it is not for who looks), and `show`. To put a panel on
// a view, import it and name it in the view's list.

import * as alerts from "./alerts.js";
import * as documents from "./document_list.js";
import { el } from "./dom.js";
import * as forecast from "./forecast.js";
import * as golden from "./golden.js";
import * as incidents from "./incidents.js";
import * as maintenance from "./maintenance.js";
import { errors, health, queue, quality, recent, services, spend, states, throughput } from "./panels.js";
import * as releases from "./releases.js";
import * as review from "./review.js";
import * as sources from "./sources.js";
import { below, viewAddress } from "./links.js";

const SECOND = 1000;

/** In the order of the navigation; `every` is how often a view asks without news, 0 for never. */
export const VIEWS = {
  overview: { title: "Overview", every: 10 * SECOND, panels: [alerts, states, errors, throughput, recent] },
  documents: { title: "Documents", every: 30 * SECOND, panels: [documents] },
  search: { title: "Search", every: 0, panels: [golden] },
  quality: { title: "Quality", every: 30 * SECOND, panels: [review, quality] },
  cost: { title: "Cost", every: 30 * SECOND, panels: [spend, forecast.month] },
  operations: { title: "Operations", every: 10 * SECOND, panels: [incidents, services, queue, health, forecast, releases, maintenance, sources] },
};

const FIRST = "overview";
let shown = null; // the address that is shown

/** The view that the address names. */
export const current = () => (Object.hasOwn(VIEWS, below().view ?? "") ? below().view : FIRST);

/** Show the view that the address names; whether it, or a filter of it, is another one than before. */
export function follow() {
  const mark = JSON.stringify(below());
  if (mark === shown) return false;
  const first = shown === null;
  const before = document.querySelector(".view:not([hidden])")?.dataset.view;
  shown = mark;
  const name = current();
  for (const each of document.querySelectorAll(".view")) each.hidden = each.dataset.view !== name;
  for (const link of document.querySelectorAll("nav a")) {
    link.href = viewAddress(link.dataset.view);
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  heading(VIEWS[name].title);
  if (!first && before !== name) {
    scrollTo(0, 0);
    document.getElementById("title").focus();
  }
  return true;
}

/** Nobody is signed in: no view is seen. */
export function leave() {
  shown = null;
  heading("Sign in");
}

function heading(words) {
  document.getElementById("title").textContent = words;
  document.title = `${words} · Insurance Navigator`;
}

/** Make the navigation, and the sections of panels that the page does not have yet. */
export function build() {
  document.querySelector("nav ul").append(...Object.entries(VIEWS).map(([name, { title }]) =>
    el("li", {}, el("a", { href: viewAddress(name), "data-view": name }, title))));
  for (const [name, { panels }] of Object.entries(VIEWS)) {
    for (const { place } of panels) if (place && !document.getElementById(place.id)) section(name, place);
  }
}

function section(view, { id, title, wide }) {
  document.querySelector(`.view[data-view="${view}"]`).append(
    el("section", { id: `s-${id}`, "aria-labelledby": `t-${id}`, class: wide ? "wide" : null, hidden: true },
      el("h2", { id: `t-${id}` }, title), el("div", { id })));
}

/**
 * Ask for everything that the view's panels show. Two that ask the same ask once.
 * `context` says whose it is, who looks, and how to ask; the answers are in the order of the panels.
 */
export function ask(name, context) {
  const asked = new Map();
  const get = (path, query, options) => {
    const key = JSON.stringify([path, query]);
    if (!asked.has(key)) asked.set(key, context.ask("GET", path, { query, ...options }));
    return asked.get(key);
  };
  return Promise.all(VIEWS[name].panels.map((panel) => panel.ask({ ...context, get, filters: below() })));
}

/** Show what was told, each panel its own; a section for which nothing was told is not seen. */
export function show(name, told, actions) {
  VIEWS[name].panels.forEach((panel, index) => {
    const section = document.getElementById(`s-${panel.place?.id}`);
    if (section) section.hidden = told[index] === null;
    if (told[index] !== null) panel.show(told[index], actions);
  });
}
