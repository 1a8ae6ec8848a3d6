// What the gate quarantined or warned of, to be worked off beside the page: accept, reject, correct.

import { ask as send } from "./api.js";
import { el, fill, plain } from "./dom.js";
import { pageLink } from "./links.js";
import { badge } from "./panels.js";
import { when } from "./words.js";

const MOST = 50;
const LONGEST = 1000;

export const place = { id: "review", title: "To be reviewed", wide: true };
export const ask = ({ get, whose }) => get("/review", { ...whose, limit: MOST });
export const show = (told, actions) => fill("review", told, ({ items, next }) => [
  items.length ? items.map((each) => waiting(each, actions))
    : el("p", { class: "soft" }, "Nothing waits for a review: what the gate kept back or warned of is worked off."),
  next ? el("p", { class: "soft" }, `The newest ${MOST}; the others follow when these are worked off.`) : null,
]);

function waiting(each, actions) {
  return el("article", { class: "review" },
    el("h3", {}, plain(each.name), " ", badge(each.state), " ", el("span", { class: "soft" }, when(each.updated_at))),
    el("ul", { class: "notes" }, each.findings.map((found) => el("li", {},
      el("span", { class: `badge ${found.severity === "critical" ? "bad" : "warn"}` }, found.severity === "critical" ? "kept back" : "warning"),
      " ", sentence(found.sentence)))),
    el("p", {}, pageLink({ document: each.document_id, number: 1, job: each.job_id },
      each.paged ? "Compare with the pages, and correct what was misread" : "Read the text, and correct what was misread")),
    decide(each, actions));
}

const sentence = ([first, ...rest]) => plain(first.toUpperCase() + rest.join(""));

// A published document is not rejected here: readers see it, and deleting it is a step of its own.
function decide(each, { soon, trouble }) {
  const why = el("input", { "data-key": `why-${each.document_id}`, name: "reason", required: true, maxlength: LONGEST, autocomplete: "off" });
  const act = (name) => async (event) => {
    event.preventDefault();
    const form = event.currentTarget.form ?? event.currentTarget;
    if (!form.reportValidity()) return;
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    try {
      await send("POST", `/review/${each.document_id}/${name}`, { body: { reason: why.value.trim() } });
    } catch (problem) {
      trouble(problem);
      for (const button of form.querySelectorAll("button")) button.disabled = false;
    }
    soon();
  };
  const quarantined = each.state === "quarantined";
  return el("form", { class: "decide", onsubmit: act("accept") },
    el("label", {}, "Why", why),
    el("button", { "data-accept": each.document_id, "aria-label": `Accept ${plain(each.name)}` }, quarantined ? "Accept, and publish" : "Accept"),
    quarantined ? el("button", { type: "button", "data-reject": each.document_id, "aria-label": `Reject ${plain(each.name)}`, onclick: act("reject") }, "Reject") : null);
}
