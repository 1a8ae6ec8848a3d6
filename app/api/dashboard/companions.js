// What must be read with a passage: exclusions, limits, definitions, with why and where.

import { el, plain } from "./dom.js";
import { pageLink } from "./links.js";
import { passage } from "./passage_text.js";
import { count } from "./words.js";

/** A passage's companions, behind a click that names what they are; null when there are none. */
export function companions(each, pages) {
  const found = each.companions ?? [];
  const more = each.companions_left_out ?? 0;
  if (!found.length && !more) return null;
  const kinds = [...new Set(found.map((one) => one.relation))].join(", ");
  return el("details", { class: "companions" },
    el("summary", {}, `Read with it: ${count(found.length, "passage")}${kinds ? ` (${kinds})` : ""}`),
    el("ul", {}, found.map((one) => el("li", {}, shown(one, each, pages)))),
    more ? el("p", { class: "soft" }, `${count(more, "more passage")} had no room.`) : null);
}

const shown = (one, each, pages) => [
  el("p", {}, el("b", {}, plain(one.reason)), one.document_id === each.document_id ? null : ` in ${plain(one.name)}`, " ",
    pageLink({ document: one.document_id, number: one.page_first ?? 1, chunk: one.chunk_id }, pages(one)),
    one.heading_path.map((part) => ` › ${plain(part)}`)),
  passage(one.text, []),
];
