// Incidents, for operators: alerts of one cause, their course, who looks after them, and their end.

import { ask as request, words } from "./api.js";
import { el, fill, plain, put, table } from "./dom.js";
import { count, duration, number, when } from "./words.js";

const MOODS = { critical: "bad", warning: "warn", info: "quiet" };
const LONGEST = 400;

export const place = { id: "incidents", title: "Incidents", wide: true };
export const ask = ({ operator, get }) => (operator ? get("/incidents", { closed: true, limit: 30 }) : null);
export const show = (told, actions) => fill("incidents", told, ({ items }) => {
  const open = items.filter((each) => each.closed_at === null);
  const over = items.filter((each) => each.closed_at !== null);
  return [
    open.length ? open.map((each) => one(each, actions)) : el("p", { class: "soft" },
      "No incident goes on. Alerts of one cause are one incident, from the first of them until all have been quiet for 15 minutes."),
    over.length ? el("details", { "data-key": "incidents-over" },
      el("summary", { "data-key": "incidents-over-summary" }, `Ended (${number(over.length)})`), over.map((each) => one(each, actions))) : null,
  ];
});

function one(each, actions) {
  return el("article", { class: "incident", "data-incident": each.id },
    el("h3", {}, el("span", { class: `badge ${MOODS[each.severity] ?? "quiet"}` }, plain(each.severity)), " ", plain(each.title)),
    el("p", { class: "soft" }, plain(course(each))),
    each.closed_at === null ? [attended(each), controls(each, actions)] : el("p", {}, plain(ended(each))),
    folded(each, "course", "Course", (told) => timeline(told.timeline), () => request("GET", `/incidents/${each.id}`), actions),
    folded(each, "report", "Draft of the report", draft, () => words(`/incidents/${each.id}/report`), actions));
}

const course = (each) => {
  const lasted = each.closed_at === null ? "goes on" : `lasted ${duration(each.ended_after_seconds)}`;
  const open = each.closed_at === null ? `, ${number(each.open_alerts)} of them open` : "";
  return `Began ${when(each.opened_at)}, ${lasted}; ${count(each.alerts, "alert")}${each.alerts > 1 ? open : ""}.`;
};

const attended = (each) => (each.acknowledged_at === null ? null
  : el("p", {}, plain(`${each.acknowledged_by} looks after it, since ${when(each.acknowledged_at)}.`)));

const ended = (each) => (each.closed_by === "itself" ? `It ended by itself: ${each.closed_why || "nothing of it was found any more."}`
  : `Ended by ${each.closed_by}: ${each.closed_why || "no cause was given."}`);

// Acknowledging tells nobody else any more; closing needs the cause, which stands in the report.
function controls(each, { soon, trouble }) {
  const cause = el("input", { name: "cause", required: true, maxlength: LONGEST, autocomplete: "off", "data-key": `cause-${each.id}` });
  const act = async (form, path, body) => {
    const buttons = form.querySelectorAll("button");
    for (const button of buttons) button.disabled = true;
    try {
      await request("POST", `/incidents/${each.id}/${path}`, { body });
      soon();
    } catch (problem) {
      trouble(problem);
      for (const button of buttons) button.disabled = false;
    }
  };
  return el("form", { class: "decide", onsubmit: (event) => {
    event.preventDefault();
    act(event.currentTarget, "close", { cause: cause.value.trim() });
  } },
  each.acknowledged_at === null ? el("button", { type: "button", "data-key": `look-${each.id}`, "data-look": each.id,
    "aria-label": `Acknowledge: ${plain(each.title)}`, onclick: (event) => act(event.currentTarget.form, "acknowledge", {}) }, "Acknowledge") : null,
  el("label", {}, "Its cause", cause),
  el("button", { "data-key": `close-${each.id}`, "data-close": each.id, "aria-label": `Close: ${plain(each.title)}` }, "Close with this cause"));
}

// Asked for when it is opened, and again when what is shown was drawn anew.
function folded(each, name, title, make, read, { trouble }) {
  const body = el("div", {}, el("p", { class: "soft" }, "Reading …"));
  const key = `incident-${each.id}-${name}`;
  return el("details", { "data-key": key, ontoggle: async (event) => {
    if (!event.currentTarget.open) return;
    try {
      put(body, make(await read()));
    } catch (problem) {
      put(body, el("p", { class: "soft" }, "It could not be read."));
      trouble(problem);
    }
  } }, el("summary", { "data-key": `${key}-summary` }, title), body);
}

const timeline = (events) => table("The oldest first", ["When", "Who", "What", "In words"],
  events.map((event) => [when(event.at), plain(event.who), plain(event.what), plain(event.said)]));

const draft = (text) => [
  el("p", { class: "soft" }, "Drafted from the record, in Markdown. What is in *asterisks* is for a person to write."),
  el("pre", { tabindex: "0", "aria-label": "Draft of the report" }, text.split("\n").flatMap((line) => [plain(line), "\n"])),
];
