// Golden questions: what a search has to find, and whether it did last night.

import { ask } from "./api.js";
import { el, fill, plain, table } from "./dom.js";
import { when } from "./words.js";

const place = () => document.getElementById("s-golden");
let turn = 0;

/** Show those of one user. */
export async function load(query, refused) {
  const mine = ++turn;
  try {
    const told = await ask("GET", "/golden-questions", { query: query() });
    if (mine === turn) show(told, query, refused);
  } catch (problem) {
    if (mine === turn) place().hidden = true;
    refused(problem);
  }
}

export function clear() {
  turn += 1;
  place().hidden = true;
}

/** A button that keeps a question with the passage that answers it. */
export function keep(question, chunk, query, refused) {
  return el("button", { type: "button", class: "link", "data-keep": chunk, onclick: async (event) => {
    const button = event.currentTarget;
    button.disabled = true;
    try {
      await ask("POST", "/golden-questions", { query: query(), body: { question, chunk_id: chunk } });
      button.textContent = "Kept as a golden question";
      load(query, refused);
    } catch (problem) {
      button.disabled = false;
      refused(problem);
    }
  } }, "Keep as a golden question");
}

function show({ items }, query, refused) {
  place().hidden = !items.length;
  fill("golden", items, () => table("Each is asked every night", ["Question", "Expected", "Last found", ""],
    items.map((each) => [plain(each.question), each.expected.map(expected), found(each), remove(each, query, refused)])));
}

function expected({ document, page, quote }) {
  const where = [document, page ? `page ${page}` : null].filter(Boolean).join(", ");
  return el("div", { title: quote ? plain(quote) : null }, plain(where));
}

function found({ asked_at: at, found_at: first }) {
  if (at === null) return el("span", { class: "soft" }, "not asked yet");
  const words = first === null ? "not found" : `place ${first}`;
  return [el("span", { class: `badge ${first === null ? "bad" : "good"}` }, words), " ", el("span", { class: "soft" }, when(at))];
}

function remove(each, query, refused) {
  return el("button", { type: "button", "data-key": `golden-${each.id}`, "data-remove": each.id,
    "aria-label": `Remove ${plain(each.question)}`, onclick: async (event) => {
      event.currentTarget.disabled = true;
      try {
        await ask("DELETE", `/golden-questions/${each.id}`, { query: query() });
      } catch (problem) {
        if (problem.status !== 404) refused(problem);
      }
      load(query, refused);
    } }, "Remove");
}
