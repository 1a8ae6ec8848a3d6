// The overview's figures, each in its place.

import { bars, stacked } from "./charts.js";
import { el, fill, plain, table } from "./dom.js";
import { STATE_ORDER, clock, count, dollars, duration, mood, number, percent, size, spaced, state, when } from "./words.js";

export const badge = (name) => el("span", { class: `badge ${mood(name)}` }, state(name));
const facts = (pairs) => el("dl", { class: "facts" }, pairs.flatMap(([term, value, note]) =>
  el("div", {}, el("dt", {}, term), el("dd", {}, value), note ? el("dd", { class: "note" }, note) : null)));
const none = (words) => el("p", { class: "soft" }, words);

/** Show everything; `retry` takes a list of job ids, `resume` a run's id, `open` a job's. */
export function show(overview, { retry, resume, open }) {
  fill("documents", overview.documents, documents);
  fill("storage", overview.storage, storage);
  fill("queue", [overview.queue, overview.buffers], ([waiting, buffers]) => queue(waiting, buffers));
  fill("throughput", overview.throughput, throughput);
  fill("services", overview.services, services);
  fill("spend", overview.spend, spend);
  fill("quality", overview.quality, quality);
  fill("errors", overview.troubles, (troubles) => errors(troubles, { retry, resume, open }));
}

function documents(states) {
  const known = STATE_ORDER.filter((name) => states[name]);
  const all = known.reduce((sum, name) => sum + states[name], 0);
  if (!all) return none("There are no documents yet. Upload one, or run navigator ingest.");
  const rows = known.map((name) => [badge(name), number(states[name]), percent(states[name], all)]);
  return [el("p", { class: "lead" }, el("b", {}, number((states.complete ?? 0) + (states.complete_with_gaps ?? 0))),
    ` of ${count(all, "document")} published`, states.complete_with_gaps ? `, ${number(states.complete_with_gaps)} of them with gaps` : ""),
    table("By the state of the newest version", ["State", ">Documents", ">Share"], rows)];
}

function storage({ used, allowed }) {
  if (allowed === null) return none(`${size(used)} of storage used.`);
  const words = `${size(used)} of ${size(allowed)} of storage used (${percent(Math.min(used, allowed), allowed)}).`;
  return used >= allowed ? el("p", { class: "bad" }, `${words} Delete documents to upload more.`) : none(words);
}

function queue(waiting, buffers) {
  return facts([
    ["Waiting", number(waiting.waiting), waiting.waiting ? `the oldest for ${duration(waiting.oldest)}` : "nothing waits"],
    ["Being worked on", number(waiting.held)],
    ["Chunks in the buffer", number(buffers.chunks)],
    ["Vectors in the buffer", number(buffers.vectors), buffers.reservations ? `${number(buffers.reservations)} more asked for` : null],
  ]);
}

function throughput(minutes) {
  const from = clock(new Date(minutes[0].minute)).slice(0, 5);
  const to = clock(new Date(minutes.at(-1).minute)).slice(0, 5);
  return el("div", { class: "three" }, ["documents", "chunks", "tokens"].map((name) => {
    const values = minutes.map((minute) => minute[name]);
    const sum = values.reduce((one, other) => one + other, 0);
    const words = `${number(sum)} ${name} published between ${from} and ${to}, at most ${number(Math.max(...values))} in a minute`;
    return bars(name, values, words, from, to);
  }));
}

function services(found) {
  if (!found.length) return none("No outside service was asked in the last hour.");
  const rows = found.map((each) => [
    each.service, number(each.calls), percent(each.succeeded, each.calls),
    duration(each.p50), duration(each.p95),
    el("span", { class: `badge ${{ closed: "good", open: "bad" }[each.circuit] ?? "quiet"}` }, circuit(each.circuit)),
  ]);
  return table("Calls in the last hour", ["Service", ">Calls", ">Well", ">p50", ">p95", "May be asked"], rows);
}

const circuit = (name) => ({ closed: "yes", open: "no, it fails", half_open: "on trial" })[name] ?? "–";

function spend(money) {
  const what = money.waiting ? `for ${count(money.waiting, "document")} that ${money.waiting === 1 ? "waits" : "wait"}, at most` : "nothing waits";
  return facts([
    ["Today", dollars(money.today), "since midnight UTC"],
    ["This month", dollars(money.month)],
    ["Ever", dollars(money.ever)],
    ["Forecast", money.forecast === null ? "not known yet" : dollars(money.forecast), what],
  ]);
}

function quality(days) {
  const sum = (name) => days.reduce((all, day) => all + day[name], 0);
  const [passed, failed] = [sum("passed"), sum("failed")];
  if (!passed && !failed) return none("The quality gate has judged nothing in the last two weeks.");
  const warned = sum("warned");
  const words = `${number(passed)} checks passed, ${number(failed)} failed and ${number(warned)} warned in the last two weeks`;
  const rows = days.filter((day) => day.passed || day.failed).reverse()
    .map((day) => [day.day, number(day.passed), number(day.failed), number(day.warned), number(day.documents_failed)]);
  return [el("p", {}, `${words}.`), stacked(days, words),
    el("div", { class: "ends", "aria-hidden": "true" }, el("span", {}, days[0].day), el("span", {}, days.at(-1).day)),
    el("details", { "data-key": "days" }, el("summary", { "data-key": "days-summary" }, "Day by day"),
      table("Checks by day (UTC), one for each rule and batch", ["Day", ">Passed", ">Failed", ">Warned", ">Documents stopped"], rows))];
}

function errors(troubles, { retry, resume, open }) {
  if (!troubles.length) return none("No document is in trouble.");
  return troubles.map((trouble) => {
    const first = trouble.documents[0];
    const ids = trouble.documents.filter((each) => each.retryable).map((each) => each.job_id);
    const runs = [...new Set(trouble.documents.map((each) => each.stopped_run).filter(Boolean))];
    const more = trouble.number - trouble.documents.length;
    return el("article", { class: "trouble" },
      el("h3", {}, plain(spaced(trouble.code)), " ", el("span", { class: "badge bad" }, count(trouble.number, "document"))),
      el("p", { class: "remedy" }, plain(first.remedy)),
      el("ul", {}, trouble.documents.map((each) => el("li", {},
        el("div", {}, documentButton(each.job_id, each.name, open, "error"), " ", badge(each.state)),
        el("p", { class: "message" }, plain(each.message), " ", el("span", { class: "soft" }, when(each.at))),
        each.retryable ? el("button", { type: "button", "data-key": `retry-${each.job_id}`, "data-retry": each.job_id,
          "aria-label": `Retry ${plain(each.name)}`, onclick: (event) => retry([each.job_id], event.currentTarget) }, "Retry")
          : el("span", { class: "soft" }, "is tried again by itself")))),
      runs.map((run) => el("button", { type: "button", "data-key": `resume-${run}`, "data-resume": run,
        onclick: (event) => resume(run, event.currentTarget) }, `Go on with everything that was stopped in the run ${run.slice(0, 8)}`)),
      ids.length > 1 ? el("button", { type: "button", "data-key": `retry-all-${trouble.code}`,
        onclick: (event) => retry(ids, event.currentTarget) }, `Retry these ${ids.length}`) : null,
      more > 0 ? el("p", { class: "soft" }, `and ${count(more, "more document")}`) : null);
  });
}

export const documentButton = (id, name, open, place) =>
  el("button", { type: "button", class: "link", "data-key": `${place}-${id}`, onclick: () => open(id) }, plain(name));

/** The newest jobs. */
export function recent(jobs, open) {
  fill("recent", jobs, (list) => {
    if (!list.length) return none("There are no documents yet.");
    const rows = list.map((job) => [
      documentButton(job.id, job.name, open, "recent"),
      el("span", {}, badge(job.state), job.ended ? null : el("progress", { max: 6, value: job.stage, "aria-label": `${job.stage} of 6 stages` })),
      number(job.version), job.pages === null ? "–" : number(job.pages), job.chunks === null ? "–" : number(job.chunks),
      dollars(job.cost_usd), when(job.updated_at),
    ]);
    return table("The newest first; a name opens the document's history",
      ["Document", "State", ">Version", ">Pages", ">Chunks", ">Cost", ">Changed"], rows);
  });
}

/** How the parts are, as /health says it. */
export function health(told) {
  // How long each took differs every time: it is not what the drawing goes by.
  const parts = Object.entries(told.parts).map(([name, part]) => [name, part.status, part.detail]);
  fill("health", parts, (list) => table("Parts of the system", ["Part", "State", "In words"], list.map(([name, status, detail]) => [
    name, el("span", { class: `badge ${{ ok: "good", degraded: "warn", failing: "bad" }[status] ?? "quiet"}` }, status), plain(detail)])));
}
