// Addresses within the page: a document's page, told behind the #, so that a reload shows it again.

import { el } from "./dom.js";

const ID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** The page that the address names: document, number, and, when given, chunk and job; else null. */
export function wanted() {
  const given = new URLSearchParams(location.hash.slice(1));
  const [document, number] = (given.get("page") ?? "").split("/");
  if (!ID.test(document) || !/^\d{1,9}$/.test(number ?? "")) return null;
  const id = (name) => (ID.test(given.get(name) ?? "") ? given.get(name) : null);
  return { document, number: Number(number), chunk: id("chunk"), job: id("job") };
}

export function address({ document, number, chunk, job }) {
  return `#page=${document}/${number}${chunk ? `&chunk=${chunk}` : ""}${job ? `&job=${job}` : ""}`;
}

/** A link that opens a page. */
export const pageLink = (place, words) => el("a", { href: address(place), class: "page-link" }, words);

/** Forget the page that the address names. */
export function forget() {
  if (location.hash.includes("page=")) history.pushState(null, "", location.pathname + location.search);
}
