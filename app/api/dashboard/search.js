// A question and its passages.

import { ask } from "./api.js";
import { el, plain } from "./dom.js";
import { pageLink } from "./links.js";
import { noteList } from "./notes.js";
import { count } from "./words.js";

const form = document.getElementById("search");
const place = document.getElementById("found");
let asked = 0;

/** Answer questions from now on; `query` says whose documents, `refused` hears of problems. */
export function listen(query, refused) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const question = form.elements.question.value;
    const roles = [form.elements.role.value].filter(Boolean);
    const mine = ++asked;
    place.replaceChildren(el("p", { class: "soft" }, "Searching …"));
    try {
      const found = await ask("POST", "/search", { query: query(), body: { question, roles } });
      if (mine === asked) show(found);
    } catch (problem) {
      if (mine === asked) place.replaceChildren(el("p", { class: "bad" }, plain(`${problem.message} ${problem.remedy}`)));
      refused(problem);
    }
  });
}

export function clear() {
  asked += 1;
  form.reset();
  place.replaceChildren();
}

function show(found) {
  if (!found.passages.length) {
    place.replaceChildren(el("p", {}, found.published_documents ? "Nothing fits." : "No document is published yet."));
    return;
  }
  place.replaceChildren(
    el("p", { class: "soft" }, `${count(found.passages.length, "passage")} of ${count(found.published_documents, "document")}`),
    el("ol", { class: "passages" }, found.passages.map((each) => el("li", {},
      el("h3", {}, plain(each.name)), el("p", { class: "soft" }, pageLink({ document: each.document_id, number: each.page_first ?? 1, chunk: each.chunk_id }, pages(each)),
        [...role(each), ...each.heading_path].map((part) => ` › ${plain(part)}`)),
      noteList(each.gaps, (note) => stands(note, each)),
      each.context ? el("p", { class: "soft context" }, lines(each.context)) : null,
      el("p", { class: "passage" }, lines(each.text))))));
}

const stands = (note, each) => (each.page_first === null || !note.pages.length ? !note.pages.length
  : note.pages.some((page) => each.page_first <= page && page <= (each.page_last ?? each.page_first)));
// flatMap: a list within a list of children would be shown as "[object HTMLBRElement]".
const lines = (text) => text.split("\n").flatMap((line) => [plain(line), el("br")]);
const role = (each) => (each.role === "other" ? [] : [each.role]);

function pages(each) {
  if (each.page_first === null) return "Show the text";
  return each.page_last && each.page_last !== each.page_first ? `Pages ${each.page_first}–${each.page_last}` : `Page ${each.page_first}`;
}
