// Golden questions: what a search has to find, and whether it did last night.

import { ask as send } from "./api.js";
import { el, fill, plain, table } from "./dom.js";
import { when } from "./words.js";

export const place = { id: "golden", title: "Golden questions", wide: true };

/** Golden questions are one user's: an operator who looks at everybody's sees none. */
export async function ask({ get, whose, oneUser }) {
  if (!oneUser) return null;
  const told = await get("/golden-questions", whose);
  return told.items.length ? { ...told, whose } : null;
}

let changed = () => {};
let refused = () => {};

/** `actions.soon` is called when they have changed. */
export function show({ items, whose }, { soon, trouble }) {
  [changed, refused] = [soon, trouble];
  fill("golden", items, () => table("Each is asked every night", ["Question", "Expected", "Last found", ""],
    items.map((each) => [plain(each.question), each.expected.map(expected), found(each), remove(each, whose)])));
}

export function clear() {
  document.getElementById("s-golden").hidden = true;
}

/** A button that keeps a question with the passage that answers it. */
export function keep(question, chunk, query, refused, kept) {
  return el("button", { type: "button", class: "link", "data-keep": chunk, onclick: async (event) => {
    const button = event.currentTarget;
    button.disabled = true;
    try {
      await send("POST", "/golden-questions", { query: query(), body: { question, chunk_id: chunk } });
      button.textContent = "Kept as a golden question";
      kept();
    } catch (problem) {
      button.disabled = false;
      refused(problem);
    }
  } }, "Keep as a golden question");
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

function remove(each, query) {
  return el("button", { type: "button", "data-key": `golden-${each.id}`, "data-remove": each.id,
    "aria-label": `Remove ${plain(each.question)}`, onclick: async (event) => {
      event.currentTarget.disabled = true;
      try {
        await send("DELETE", `/golden-questions/${each.id}`, { query });
      } catch (problem) {
        if (problem.status !== 404) refused(problem);
      }
      changed();
    } }, "Remove");
}
