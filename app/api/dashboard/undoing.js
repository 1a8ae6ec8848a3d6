// What persons decided of a document, and taking a decision back.

import { ask } from "./api.js";
import { el, plain } from "./dom.js";
import { when } from "./words.js";

const LONGEST = 1000;
const WORDS = { accept: "accepted", correct: "corrected", reject: "rejected", undo: "taken back" };

/** A list of decisions, the newest first; one that holds can be taken back. Nothing where there are none. */
export function decisions(document, decided, actions) {
  if (!decided.length) return null;
  return el("section", { class: "decisions", "aria-label": "Decisions" }, el("h3", {}, "What persons decided"),
    el("ul", { class: "notes" }, decided.map((each) => el("li", {},
      el("p", {}, el("span", { class: `badge ${each.undone ? "quiet" : "work"}` }, WORDS[each.decision] ?? plain(each.decision)), " ",
        plain(`by ${each.who}, ${when(each.at)}: ${each.reason}`), each.undone ? el("span", { class: "soft" }, " It was taken back, and holds no longer.") : null),
      each.correction ? el("p", { class: "soft" }, plain(`Page ${each.correction.page}: “${each.correction.before}” to “${each.correction.after}”`)) : null,
      each.undone || each.undoes ? null : takeBack(document, each, actions)))));
}

// What follows is said before it is done: the gate judges again, and may withdraw the document.
const FOLLOWS = {
  accept: "The document is judged without it, and withdrawn from readers if the gate refuses it.",
  correct: "The document is read without it and judged again, and withdrawn from readers if the gate refuses it.",
  reject: "The document waits for a review again.",
};

function takeBack(document, each, { again, trouble }) {
  const why = el("input", { name: "reason", required: true, maxlength: LONGEST, autocomplete: "off" });
  return el("details", { "data-key": `undo-${each.id}` }, el("summary", {}, "Take it back"),
    el("p", { class: "soft" }, FOLLOWS[each.decision]),
    el("form", { class: "decide", onsubmit: async (event) => {
      event.preventDefault();
      const button = event.currentTarget.querySelector("button");
      button.disabled = true;
      try {
        await ask("POST", `/review/${document}/undo`, { body: { decision: each.id, reason: why.value.trim() } });
        again();
      } catch (problem) {
        button.disabled = false;
        trouble(problem);
      }
    } }, el("label", {}, "Why", why), el("button", { "data-undo": each.id }, "Take it back")));
}
