// A question and its passages.

import { ask } from "./api.js";
import { companions } from "./companions.js";
import { el, plain, put } from "./dom.js";
import { keep } from "./golden.js";
import { pageLink } from "./links.js";
import { noteList } from "./notes.js";
import { passage } from "./passage_text.js";
import { count, spaced } from "./words.js";

const $ = (id) => document.getElementById(id);
const form = $("search");
const place = $("found");
const MOST = 200; // documents that are offered to choose from
const LIKELY = 0.5; // a relevance from which on a passage is more likely of use than not
const NAMED = 5; // copies that are shown at once
let asked = 0;

/** Answer questions from now on; `query` says whose documents, `refused` hears of problems. */
export function listen(query, refused, kept) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const mine = ++asked;
    put(place, el("p", { class: "soft" }, "Searching …"));
    try {
      const sent = body();
      const found = await ask("POST", "/search", { query: query(), body: sent });
      if (mine === asked) show(found, query, (each) => keep(sent.question, each.chunk_id, query, failed(refused), kept));
    } catch (problem) {
      if (mine === asked) put(place, told(problem));
      refused(problem);
    }
  });
  $("limits").addEventListener("toggle", async (event) => {
    if (!event.target.open) return;
    try {
      offer(await ask("GET", "/documents", { query: { ...query(), limit: MOST } }));
    } catch (problem) {
      refused(problem);
    }
  });
}

/** A search is in one user's documents: who looks at everybody's is told how to search. */
export function allow(oneUser) {
  form.hidden = !oneUser;
  $("search-whose").hidden = oneUser;
}

export function clear() {
  asked += 1;
  form.reset();
  $("limits").open = false;
  put($("in-documents"));
  put(place);
}

// What goes wrong beside a passage is said above them.
const failed = (refused) => (problem) => {
  place.querySelector("[data-failed]")?.remove();
  place.prepend(el("div", { "data-failed": true }, told(problem)));
  refused(problem);
};

const told = (problem) => el("p", { class: "bad", role: "alert" }, plain(`${problem.message} ${problem.remedy}`));

// Only what is limited is sent, and no boxes are asked for: the page view draws them.
function body() {
  const { question, role, since, until, language } = form.elements;
  return {
    question: question.value, places: false,
    documents: [...$("in-documents").selectedOptions].map((each) => each.value),
    tags: $("in-tags").value.split(",").map((tag) => tag.trim()).filter(Boolean),
    roles: [role.value].filter(Boolean), languages: [language.value].filter(Boolean),
    since: since.value || null, until: until.value || null, context: $("with-context").checked,
  };
}

// The choice made before stays.
function offer({ items, next }) {
  const chosen = new Set([...$("in-documents").selectedOptions].map((each) => each.value));
  put($("in-documents"), items.filter((each) => each.published).map((each) =>
    el("option", { value: each.id, selected: chosen.has(each.id) }, plain(each.name))),
  next ? el("option", { disabled: true }, `the newest ${MOST} are offered`) : null);
}

function show(found, query, keeping) {
  const said = [
    (found.near_words ?? []).map((near) => el("p", { class: "warn" }, `No document says “${plain(near.asked)}”: “${plain(near.taken)}” was looked for too.`)),
    found.warning ? el("p", { class: "warn" }, plain(found.warning)) : null,
  ];
  if (!found.passages.length) {
    put(place, said, el("p", {}, found.published_documents ? "Nothing in your documents fits." : "No document is published yet."));
    return;
  }
  put(place, said,
    found.fits === false ? el("p", { class: "warn" }, "Nothing in your documents fits. The nearest, perhaps:") : null,
    el("p", { class: "soft" }, `${count(found.passages.length, "passage")} of ${count(found.published_documents, "document")}`),
    el("ol", { class: "passages" }, found.passages.map((each) => el("li", {}, shown(each, query, found.fits, keeping)))));
}

const shown = (each, query, fits, keeping) => [
  el("h3", {}, plain(each.name), edition(each.citation), relevance(each, fits)),
  el("p", { class: "soft" }, link(each), [...role(each), ...each.heading_path].map((part) => ` › ${plain(part)}`)),
  noteList(each.gaps, (note) => stands(note, each)),
  each.context ? el("p", { class: "soft context" }, each.context.split("\n").map((line) => [plain(line), el("br")])) : null,
  passage(each.text, each.citation?.highlights ?? []),
  companions(each, pages),
  copies(each),
  el("p", {}, original(each, query), " ", keeping(each)),
];

const link = (each) => pageLink({ document: each.document_id, number: each.page_first ?? 1, chunk: each.chunk_id }, pages(each));
const stands = (note, each) => (each.page_first === null || !note.pages.length ? !note.pages.length
  : note.pages.some((page) => each.page_first <= page && page <= (each.page_last ?? each.page_first)));
const role = (each) => (each.role === "other" ? [] : [spaced(each.role)]);

function edition(cited) {
  const words = cited?.edition ? `edition ${cited.edition}` : cited?.effective_date ? `from ${cited.effective_date}` : "";
  return words ? [" ", el("span", { class: "badge quiet" }, plain(words))] : null;
}

function relevance(each, fits) {
  if (typeof each.relevance !== "number") return null;
  const words = `relevance ${Math.round(100 * each.relevance)} %`;
  const tone = fits === false ? "warn" : each.relevance >= LIKELY ? "good" : "quiet";
  return [" ", el("span", { class: `badge ${tone}` }, fits === false ? `perhaps, ${words}` : words)];
}

function pages(each) {
  if (each.page_first === null) return "Show the text";
  return each.page_last && each.page_last !== each.page_first ? `Pages ${each.page_first}–${each.page_last}` : `Page ${each.page_first}`;
}

// Where else the same stands: the first few at once, the others behind a click.
function copies(each) {
  const found = each.copies ?? [];
  if (!found.length) return null;
  const more = each.copy_count - found.length;
  const items = (list) => el("ul", {}, list.map((copy) => el("li", {}, plain(copy.document), edition(copy), " ", link(copy))));
  const rest = found.slice(NAMED);
  return el("div", { class: "copies" }, `The same in ${count(each.copy_count, "other place")}:`, items(found.slice(0, NAMED)),
    rest.length ? el("details", {}, el("summary", {}, `${rest.length} more`), items(rest),
      more > 0 ? el("p", { class: "soft" }, `and ${count(more, "more place")}`) : null) : null);
}

function original(each, query) {
  const version = each.citation?.version ?? null;
  const get = async (event) => {
    const button = event.currentTarget;
    button.disabled = true;
    try {
      const { url } = await ask("GET", `/documents/${each.document_id}/original`, { query: { ...query(), version } });
      location.assign(url);
    } catch (problem) {
      button.after(told(problem));
    }
    button.disabled = false;
  };
  return el("button", { type: "button", class: "link", onclick: get }, "Download the original");
}
