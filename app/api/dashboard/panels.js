// The overview's figures, each in its place.

import { bars, stacked } from "./charts.js";
import { el, fill, plain, table } from "./dom.js";
import { viewLink } from "./links.js";
import { STATE_ORDER, clock, count, dollars, duration, mood, number, percent, size, spaced, state, when } from "./words.js";

export const badge = (name) => el("span", { class: `badge ${mood(name)}` }, state(name));
const facts = (pairs) => el("dl", { class: "facts" }, pairs.flatMap(([term, value, note]) =>
  el("div", {}, el("dt", {}, term), el("dd", {}, value), note ? el("dd", { class: "note" }, note) : null)));
const none = (words) => el("p", { class: "soft" }, words);

// A panel of the overview's figures, which one answer holds for all of them.
const figures = (id, pick, draw) => ({
  ask: async ({ get, whose }) => pick(await get("/overview", whose)),
  show: (told, actions) => fill(id, told, (each) => draw(each, actions)),
});

export const states = {
  ask: async ({ get, whose }) => { const told = await get("/overview", whose); return [told.documents, told.storage]; },
  show: ([found, used]) => { fill("documents", found, documents); fill("storage", used, storage); },
};
export const throughput = figures("throughput", (told) => told.throughput, minutes);
export const services = figures("services", (told) => told.services, called);
export const queue = figures("queue", (told) => [told.queue, told.buffers], ([waiting, buffers]) => queued(waiting, buffers));
export const spend = figures("spend", (told) => [told.spend, told.services.map((each) => [each.service, each.cost_usd])], ([money, each]) => spent(money, each));
export const quality = figures("quality", (told) => told.quality, judged);
export const errors = figures("errors", (told) => told.troubles, troubled);

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

function queued(waiting, buffers) {
  return facts([
    ["Waiting", number(waiting.waiting), waiting.waiting ? `the oldest for ${duration(waiting.oldest)}` : "nothing waits"],
    ["Being worked on", number(waiting.held)],
    ["Chunks in the buffer", number(buffers.chunks)],
    ["Vectors in the buffer", number(buffers.vectors), buffers.reservations ? `${number(buffers.reservations)} more asked for` : null],
  ]);
}

function minutes(found) {
  const from = clock(new Date(found[0].minute)).slice(0, 5);
  const to = clock(new Date(found.at(-1).minute)).slice(0, 5);
  return el("div", { class: "three" }, ["documents", "chunks", "tokens"].map((name) => {
    const values = found.map((minute) => minute[name]);
    const sum = values.reduce((one, other) => one + other, 0);
    const words = `${number(sum)} ${name} published between ${from} and ${to}, at most ${number(Math.max(...values))} in a minute`;
    return bars(name, values, words, from, to);
  }));
}

function called(found) {
  if (!found.length) return none("No outside service was asked in the last hour.");
  const rows = found.map((each) => [
    each.service, number(each.calls), percent(each.succeeded, each.calls),
    duration(each.p50), duration(each.p95),
    el("span", { class: `badge ${{ closed: "good", open: "bad" }[each.circuit] ?? "quiet"}` }, circuit(each.circuit)),
  ]);
  return table("Calls in the last hour", ["Service", ">Calls", ">Well", ">p50", ">p95", "May be asked"], rows);
}

const circuit = (name) => ({ closed: "yes", open: "no, it fails", half_open: "on trial" })[name] ?? "–";

function spent(money, services) {
  const what = money.waiting ? `for ${count(money.waiting, "document")} that ${money.waiting === 1 ? "waits" : "wait"}, at most` : "nothing waits";
  return [facts([
    ["Today", dollars(money.today), "since midnight UTC"],
    ["This month", dollars(money.month)],
    ["Ever", dollars(money.ever)],
    ["Forecast", money.forecast === null ? "not known yet" : dollars(money.forecast), what],
  ]), services.length ? table("By service, in the last hour", ["Service", ">Cost"],
    services.map(([name, cost]) => [plain(name), dollars(cost)])) : null];
}

function judged(days) {
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

function troubled(troubles, actions) {
  if (!troubles.length) return none("No document is in trouble.");
  return troubles.map((trouble) => el("details", { class: "trouble", "data-key": `trouble-${trouble.code}`, open: troubles.length === 1 },
    el("summary", { "data-key": `trouble-${trouble.code}-summary` }, el("b", {}, sentence(trouble.code)), " ", el("span", { class: "badge bad" }, count(trouble.number, "document"))),
    group(trouble, actions)));
}

// What befell all of them is said once; what can be done is offered where it can help.
function group({ code, number: all, documents: found }, { retry, acknowledge, resume, open }) {
  const same = found.every((each) => each.message === found[0].message);
  const helped = found.filter((each) => each.retryable && each.retry_helps).map((each) => each.job_id);
  const known = found.filter((each) => each.state.startsWith("failed") || each.state === "quarantined").map((each) => each.job_id);
  const runs = [...new Set(found.map((each) => each.stopped_run).filter(Boolean))];
  const button = (key, ids, act, words) => el("button", { type: "button", "data-key": `${key}-${code}`,
    onclick: (event) => act(ids, event.currentTarget) }, words);
  return [
    same ? el("p", { class: "message" }, plain(found[0].message)) : null,
    el("p", { class: "remedy" }, plain(found[0].remedy)),
    el("ul", {}, found.map((each) => el("li", {},
      el("div", {}, documentButton(each.job_id, each.name, open, "error"), " ", badge(each.state), " ", el("span", { class: "soft" }, when(each.at))),
      same ? null : el("p", { class: "message" }, plain(each.message)),
      choice(each, retry)))),
    el("div", { class: "actions" },
      runs.map((run) => el("button", { type: "button", "data-key": `resume-${run}`, "data-resume": run,
        onclick: (event) => resume(run, event.currentTarget) }, `Go on with everything that was stopped in the run ${run.slice(0, 8)}`)),
      helped.length > 1 ? button("retry-all", helped, retry, `Retry these ${helped.length}`) : null,
      known.length ? button("acknowledge", known, acknowledge, known.length > 1 ? `Acknowledge these ${known.length}` : "Acknowledge") : null,
      code === "quarantined" ? viewLink("quality", {}, "Review") : null,
      viewLink("documents", { error: code }, all > found.length ? `Show all ${number(all)}` : "Show in the list")),
  ];
}

function choice(each, retry) {
  if (!each.retryable) return el("span", { class: "soft" }, "is tried again by itself");
  if (!each.retry_helps) return null;
  return el("button", { type: "button", "data-key": `retry-${each.job_id}`, "data-retry": each.job_id,
    "aria-label": `Retry ${plain(each.name)}`, onclick: (event) => retry([each.job_id], event.currentTarget) }, "Retry");
}

const sentence = (code) => { const [first, ...rest] = plain(spaced(code)); return first.toUpperCase() + rest.join(""); };

export const documentButton = (id, name, open, place) =>
  el("button", { type: "button", class: "link", "data-key": `${place}-${id}`, onclick: () => open(id) }, plain(name));

const RECENT = 20;

/** The newest jobs. */
export const recent = {
  ask: ({ get, whose }) => get("/jobs", { ...whose, limit: RECENT }),
  show: ({ items }, { open }) => fill("recent", items, (list) => {
    if (!list.length) return none("There are no documents yet.");
    const rows = list.map((job) => [
      documentButton(job.id, job.name, open, "recent"),
      el("span", {}, badge(job.state), job.ended ? null : el("progress", { max: 6, value: job.stage, "aria-label": `${job.stage} of 6 stages` })),
      number(job.version), job.pages === null ? "–" : number(job.pages), job.chunks === null ? "–" : number(job.chunks),
      dollars(job.cost_usd), when(job.updated_at),
    ]);
    return table("The newest first; a name opens the document's history",
      ["Document", "State", ">Version", ">Pages", ">Chunks", ">Cost", ">Changed"], rows);
  }),
};

/** How the parts are, as /health says it. */
export const health = {
  // How long each took differs every time: it is not what the drawing goes by.
  ask: async ({ get }) => Object.entries((await get("/health", undefined, { accept: [200, 503] })).parts)
    .map(([name, part]) => [name, part.status, part.detail]),
  show: (parts) => fill("health", parts, (list) => table("Parts of the system", ["Part", "State", "In words"], list.map(([name, status, detail]) => [
    name, el("span", { class: `badge ${{ ok: "good", degraded: "warn", failing: "bad" }[status] ?? "quiet"}` }, status), plain(detail)]))),
};
