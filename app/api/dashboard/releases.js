// Which release runs, how deployments ended, and what drifted, for operators: as it was recorded.

import { el, fill, plain, table } from "./dom.js";
import { seldom } from "./seldom.js";
import { count, number, when } from "./words.js";

const SECONDS = 60;
// The words of `WORDS` in app/terminal/rollouts.py; a test compares the two.
const STEPS = {
  begun: ["begun", "work"], migrated: ["schema migrated", "work"], switched: ["services changed", "work"],
  deployed: ["flows deployed, being verified", "work"], rolling_back: ["being rolled back", "warn"],
  verified: ["verified", "good"], refused: ["refused, nothing changed", "bad"],
  rolled_back: ["rolled back", "bad"], superseded: ["gone back from", "quiet"],
};

export const place = { id: "releases", title: "Releases and drift", wide: true };
export const ask = ({ operator, get }) => (operator ? seldom(get, "/releases", SECONDS) : null);
export const show = (told) => fill("releases", told, ({ running, deployments, drift }) => [
  ...runs(running), ...deployed(deployments), ...drifted(drift, deployments.length > 0),
]);

function runs(running) {
  if (!running.length) return [el("p", { class: "soft" }, "No process has announced itself in the last two minutes.")];
  return [table("What runs now", ["Process", ">Number", "Release", "Environment"], running.map((each) => [
    { api: "API", worker: "worker" }[each.kind] ?? plain(each.kind), number(each.number),
    each.release === null ? "none: code of a checkout or package" : plain(each.release),
    each.environment === null ? "none: settings of its own" : plain(each.environment)]))];
}

function deployed(deployments) {
  if (!deployments.length) return [el("p", { class: "soft" }, "No release was deployed here: navigator deploy does that, verifies it, and goes back when it does not hold.")];
  const current = deployments.filter((each) => each.runs);
  const row = (each) => [plain(each.release), plain(each.environment), el("span", {}, step(each.step), each.runs ? " runs" : ""),
    when(each.ended_at ?? each.began_at), plain(each.who), plain(each.reason || "–")];
  return [
    ...current.map((each) => el("p", {}, el("b", {}, plain(each.release)), plain(` is the release of ${each.environment}, verified ${when(each.ended_at)} by ${each.who}.`))),
    el("details", { "data-key": "deployments" }, el("summary", { "data-key": "deployments-summary" }, `Deployments (${number(deployments.length)})`),
      table("The newest first", ["Release", "Environment", "How it ended", "When", "By", "Why"], deployments.map(row)))];
}

const step = (name) => el("span", { class: `badge ${STEPS[name]?.[1] ?? "quiet"}` }, STEPS[name]?.[0] ?? plain(name));

function drifted(drift) {
  const open = drift.filter((each) => each.closed_at === null);
  const over = drift.filter((each) => each.closed_at !== null);
  return [
    open.length ? open.map((each) => el("div", { class: "message" },
      el("p", {}, el("span", { class: "badge warn" }, "drift"), " ", el("span", { class: "soft" }, `since ${when(each.since)}, found last ${when(each.seen_at)}`)), told(each)))
      : el("p", { class: "soft" }, over.length ? `No drift: what was found last is gone since ${when(over[0].closed_at)}.`
        : "No drift was ever found here. The flow drift compares an environment with its file every day; navigator drift ENV does it now."),
    over.length ? el("details", { "data-key": "drift-over" }, el("summary", { "data-key": "drift-over-summary" }, `Earlier drift (${count(over.length, "time")})`),
      over.map((each) => el("div", {}, el("p", { class: "soft" }, `${when(each.since)} to ${when(each.closed_at)}`), told(each)))) : null,
  ];
}

const told = (each) => {
  const lines = each.told.split("\n");
  const items = lines.filter((line) => line.startsWith("- "));
  const rest = lines.filter((line) => !line.startsWith("- ")).map((line) => el("p", {}, plain(line.replaceAll("`", ""))));
  return [rest[0], items.length ? el("ul", {}, items.map((line) => el("li", {}, plain(line.slice(2))))) : null, rest.slice(1)];
};
