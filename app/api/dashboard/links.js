// Addresses within the dashboard, told behind the #, so that reloads, links and the back button work:
// which of its pages is seen, with its filters, and which page of a document lies over it.

import { el } from "./dom.js";

const ID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
const OVER = ["page", "chunk", "job", "token"]; // of what lies over the view, or of nobody's concern

const given = () => new URLSearchParams(location.hash.slice(1));

/** The page that the address names: document, number, and, when given, chunk and job; else null. */
export function wanted() {
  const told = given();
  const [document, number] = (told.get("page") ?? "").split("/");
  if (!ID.test(document) || !/^\d{1,9}$/.test(number ?? "")) return null;
  const id = (name) => (ID.test(told.get(name) ?? "") ? told.get(name) : null);
  return { document, number: Number(number), chunk: id("chunk"), job: id("job") };
}

/** The view that the address names, with its filters: an object of texts. */
export function below() {
  const told = given();
  for (const name of OVER) told.delete(name);
  return Object.fromEntries(told);
}

/** The address of a view; whose it is stays as it is, unless `user` is given. */
export function viewAddress(view, filters = {}) {
  const { user = "" } = { ...below(), ...filters };
  const all = Object.entries({ view, ...filters, user }).filter(([, value]) => value !== "" && value !== null);
  return `#${new URLSearchParams(all)}`;
}

/** The address of a document's page, over the view that is seen now. */
export function address({ document, number, chunk, job }) {
  const rest = new URLSearchParams(below()).toString();
  return `#page=${document}/${number}${chunk ? `&chunk=${chunk}` : ""}${job ? `&job=${job}` : ""}${rest ? `&${rest}` : ""}`;
}

/** A link that opens a page. */
export const pageLink = (place, words) => el("a", { href: address(place), class: "page-link" }, words);

/** A link to a view. */
export const viewLink = (view, filters, words) => el("a", { href: viewAddress(view, filters) }, words);

/** Forget the page that the address names; the view below it stays. */
export function forget() {
  if (!location.hash.includes("page=")) return;
  const rest = new URLSearchParams(below()).toString();
  history.pushState(null, "", location.pathname + location.search + (rest ? `#${rest}` : ""));
}

/** Forget everything that the address says. */
export function forgetAll() {
  if (location.hash) history.pushState(null, "", location.pathname + location.search);
}
