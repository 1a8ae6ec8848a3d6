// What is unusual and what runs out, for operators; and what the month will cost.

import { el, fill, plain, table } from "./dom.js";
import { seldom } from "./seldom.js";
import { count, dollars, duration, number, percent, size } from "./words.js";

const SECONDS = 300; // it is judged in whole hours, and reads six weeks
const MOODS = { critical: "bad", warning: "warn", info: "quiet" };
const hours = (value) => `${number(Number(value.toFixed(1)))} an hour`;
const share = (value) => percent(value, 1);
const whole = (value) => number(Math.round(value));
const MEASURES = {
  service_time: ["Time of an answer, median", duration], service_tail: ["Time of an answer, p95", duration],
  service_failures: ["Calls that fail", share], stage_time: ["Time of the stage, median", duration],
  search_time: ["Time of a search", duration], queue_age: ["Longest wait in the queue", duration],
  unit_cost: ["Cost of a document", dollars], failed_documents: ["Documents that fail", share],
  quarantined: ["Documents quarantined", share], warned: ["Published with warnings", share],
  recall: ["Recall of searches", share], arrived: ["Documents that came", hours], finished: ["Documents finished", hours],
  waiting: ["Documents waiting", whole], workers: ["Workers", whole], spent: ["Spend in an hour", dollars],
  tokens: ["Tokens", hours], disk_free: ["Free on the disk", size], database_size: ["Size of the database", size],
  stored_size: ["Size of the stored files", size],
};
const told = ({ operator, get }) => (operator ? seldom(get, "/forecast", SECONDS) : null);

export const place = { id: "forecast", title: "Forecast", wide: true };
export const ask = told;
export const show = (answer) => fill("forecast", answer, foreseen);

function foreseen({ summary, alerts, forecasts, figures, too_little_history: young }) {
  const known = figures.filter((each) => shown(each).some((value) => value !== null));
  return [
    el("p", {}, el("span", { class: `badge ${alerts.length ? "warn" : "good"}` }, alerts.length ? "unusual" : "as usual"), " ", plain(summary)),
    alerts.length ? el("ul", { class: "alerts" }, alerts.map(unusual)) : null,
    forecasts.length ? el("ul", { "aria-label": "To be expected" }, forecasts.map((each) => el("li", {}, plain(each.sentence))))
      : el("p", { class: "soft" }, "When a disk is full, a budget of tokens binds or a backlog is worked off is told as soon as there is something to judge by."),
    young.length ? el("p", { class: "soft" }, `${count(young.length, "figure")} cannot be judged yet: that takes a week of history.`) : null,
    known.length ? el("details", { "data-key": "forecast-figures" }, el("summary", { "data-key": "forecast-figures-summary" }, `Figures (${number(known.length)})`),
      table("Medians of the hours; shares of all that were counted", ["Figure", "Of", ">Now", ">Last hour", ">Day", ">Week"], known.map(figure))) : null,
  ];
}

const shown = (each) => [each.now, each.last_hour, each.last_day, each.last_week];

function figure(each) {
  const [title, words] = MEASURES[each.measure] ?? [each.measure.replaceAll("_", " "), whole];
  return [title, each.subject === "all" ? "everything" : plain(each.subject),
    ...shown(each).map((value) => (value === null ? "–" : words(value)))];
}

const unusual = (each) => el("li", {},
  el("p", {}, el("span", { class: `badge ${MOODS[each.severity] ?? "quiet"}` }, plain(each.severity)), " ", plain(each.title)),
  el("p", { class: "soft" }, plain(`${each.cause ? `Likely cause: ${each.cause} ` : ""}What to do: ${each.runbook}`)));

/** The month, on the page of costs. */
export const month = {
  place: { id: "month", title: "This month", wide: true },
  ask: async (context) => (await told(context))?.month ?? null,
  show: (answer) => fill("month", answer, budgeted),
};

function budgeted({ spent_usd: spent, by_its_end_usd: end, budget_usd: budget }) {
  const over = budget !== null && end !== null && end > budget;
  const facts = [
    ["Spent so far", dollars(spent), "everybody's, since the first (UTC)"],
    ["By its end", end === null ? "not known yet" : dollars(end), end === null ? "there is less than a week of history" : "as things go"],
    ["Budget", budget === null ? "none" : dollars(budget), budget === null ? "NAVIGATOR_MONTH_BUDGET_USD sets one" : `${percent(Math.min(spent, budget), budget)} spent`],
  ];
  return [el("dl", { class: "facts" }, facts.map(([term, value, note]) =>
    el("div", {}, el("dt", {}, term), el("dd", {}, value), el("dd", { class: "note" }, note)))),
    over ? el("p", { class: "bad" }, `As things go, the month costs ${dollars(end - budget)} more than its budget.`) : null];
}
