// One document's history, in a dialog.

import { ask } from "./api.js";
import { el, plain, put, table } from "./dom.js";
import { pageLink } from "./links.js";
import { noteList } from "./notes.js";
import { badge } from "./panels.js";
import { decisions } from "./undoing.js";
import { dollars, duration, number, spaced, state, when } from "./words.js";

const dialog = document.getElementById("story");
let shown = null;
let drawn = null;

/** Open a job's history; `retry` and `trouble` as the board has them. */
export async function open(id, actions) {
  try {
    const job = await ask("GET", `/jobs/${id}`);
    const review = await ask("GET", `/review/${job.document_id}`, { accept: [200, 404] });
    draw(job, review.decisions ?? [], actions);
    if (!dialog.open) dialog.showModal();
  } catch (problem) {
    actions.trouble(problem);
  }
}

/** Read the open one again. */
export function refresh(actions) {
  if (dialog.open && shown) open(shown, actions);
}

export function close() {
  shown = drawn = null;
  if (dialog.open) dialog.close();
  document.getElementById("story-title").replaceChildren();
  document.getElementById("story-body").replaceChildren();
}
dialog.addEventListener("close", close);

// What is the same stays as it is: somebody may be writing in it.
function draw(job, decided, actions) {
  const { retry } = actions;
  const same = JSON.stringify([job, decided]);
  if (shown === job.id && same === drawn) return;
  [shown, drawn] = [job.id, same];
  document.getElementById("story-title").replaceChildren(plain(job.name));
  const known = [
    ["Version", number(job.version)], ["Pages", job.pages === null ? null : number(job.pages)],
    ["Chunks", job.chunks === null ? null : number(job.chunks)],
    ["Tokens", job.tokens === null ? null : number(job.tokens)], ["Cost", dollars(job.cost_usd)],
    ["Language", job.language || null],
    ...Object.entries(job.facts).map(([name, value]) => [plain(spaced(name)), plain(value)]),
    ["Source", plain(job.source)], ["Job", job.id],
  ].filter(([, value]) => value !== null);
  put(document.getElementById("story-body"),
    el("p", {}, badge(job.state)),
    noteList(job.notes),
    job.error ? el("p", { class: "message" }, plain(job.error.message), el("br"), el("span", { class: "remedy" }, plain(job.error.remedy))) : null,
    read(job) ? el("p", {}, pageLink({ document: job.document_id, number: 1, job: job.id }, job.pages === null ? "Show the text" : "Page 1, beside what was read of it")) : null,
    job.retryable ? el("p", {}, el("button", { type: "button", onclick: (event) => retry([job.id], event.currentTarget) }, job.retry_helps ? "Retry" : "Retry all the same"),
      job.retry_helps ? null : el("span", { class: "soft" }, " The same file is likely to end the same way.")) : null,
    el("dl", { class: "facts" }, known.map(([term, value]) => el("div", {}, el("dt", {}, term), el("dd", {}, value)))),
    Object.keys(job.stage_seconds).length ? table("Time of each stage", ["Stage", ">Time"],
      Object.entries(job.stage_seconds).map(([name, seconds]) => [spaced(name), duration(seconds)])) : null,
    decisions(job.document_id, decided, { ...actions, again: () => open(job.id, actions) }),
    table("What happened, the oldest first", ["When", "What", "By"],
      job.history.map((event) => [when(event.at), happened(event), plain(event.actor)])),
  );
}

const read = (job) => job.pages !== null || job.chunks !== null;

const happened = (event) => (event.to_state ? `${spaced(event.event)}: ${state(event.to_state)}` : spaced(event.event));
