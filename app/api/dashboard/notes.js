// What was not read of a document, and what else to know of it.

import { el, plain } from "./dom.js";

/** A list of notes, each gap with what to do about it. */
export function noteList(notes, here = () => false) {
  if (!notes.length) return null;
  return el("ul", { class: "notes" }, notes.map((note) => el("li", { class: note.gap ? "gap" : null },
    note.gap ? el("span", { class: "badge warn" }, here(note) ? "not read here" : "not read") : el("span", { class: "badge quiet" }, "note"),
    " ", plain(note.message),
    note.remedy ? el("span", { class: "remedy" }, " ", plain(note.remedy)) : null)));
}
