// The page: signs in, asks, follows the events, and says how fresh everything is.

import * as alerts from "./alerts.js";
import { ask, Problem } from "./api.js";
import { empty, plain } from "./dom.js";
import * as golden from "./golden.js";
import { forget } from "./links.js";
import * as maintenance from "./maintenance.js";
import * as sources from "./sources.js";
import * as pages from "./pages.js";
import * as panels from "./panels.js";
import * as replacing from "./replacing.js";
import * as search from "./search.js";
import * as session from "./session.js";
import * as story from "./document_history.js";
import { follow } from "./stream.js";
import * as uploads from "./uploads.js";
import { clock, count, state } from "./words.js";

const EVERY = 10000; // without news
const AFTER_NEWS = 700; // so that many events make one question
const STALE = 25000;
const RECENT = 20;

const $ = (id) => document.getElementById(id);
let stop = null; // ends the stream
let timer = null;
let loading = false;
let again = false;
let fresh = null; // when the figures came
let live = "connecting";
let user = "";
let operator = false;
let lapse = null;
const news = new Map(); // job id: state

const whose = () => ({ user });
// Golden questions are one user's: an operator who looks at everybody's sees none.
const loadGolden = () => (operator && !user ? golden.clear() : golden.load(whose, trouble));
const actions = { retry, resume, open: (id) => story.open(id, actions), trouble };

function start() {
  const said = session.claims();
  operator = said.role === "service";
  $("name").textContent = plain(`${said.sub ?? "Signed in"}${operator ? " (operator)" : ""}`);
  $("who").hidden = $("board").hidden = $("status").hidden = false;
  $("sign-in").hidden = true;
  $("whose").hidden = !operator;
  listen();
  load();
  loadGolden();
  pages.follow();
}

function listen() {
  stop?.();
  live = "connecting";
  stop = follow(whose(), heard, (now) => {
    if (now instanceof Problem) trouble(now);
    else { live = now; tell(); if (now === "live") soon(AFTER_NEWS); }
  });
}

function heard(event) {
  if (event.to_state) news.set(event.job_id, event.to_state);
  soon(AFTER_NEWS);
}

function soon(wait) {
  clearTimeout(timer);
  timer = setTimeout(load, wait);
}

async function load() {
  if (loading) { again = true; return; }
  loading = true;
  const token = session.current();
  let wait = EVERY;
  try {
    const [overview, jobs, health, looked, added, raised] = await Promise.all([
      ask("GET", "/overview", { query: whose() }),
      ask("GET", "/jobs", { query: { ...whose(), limit: RECENT } }),
      ask("GET", "/health", { accept: [200, 503] }),
      operator ? ask("GET", "/maintenance") : null,
      operator ? ask("GET", "/sources") : null,
      operator ? ask("GET", "/alerts") : null,
    ]);
    if (token !== session.current()) return;
    lapse ??= expiring();
    panels.show(overview, actions);
    panels.recent(jobs.items, actions.open);
    panels.health(health);
    alerts.show(raised, () => soon(0), trouble);
    maintenance.show(looked);
    sources.show(added);
    story.refresh(actions);
    announce(jobs.items);
    fresh = new Date();
    notice("");
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    wait = Math.max(wait / 2, problem.retryAfter * 1000);
    trouble(problem);
  } finally {
    loading = false;
    if (session.current()) soon(again ? AFTER_NEWS : wait);
    again = false;
    tell();
  }
}

// Only after an answer, which has said what time it is.
function expiring() {
  const left = session.left() + 11000;
  return Number.isNaN(left) ? null : setTimeout(() => leave("Your token has expired. Sign in with a new token."), Math.min(left, 2 ** 31 - 1));
}

// One sentence for who cannot see the page, however much happened.
function announce(jobs) {
  const told = jobs.filter((job) => news.get(job.id) === job.state).slice(0, 3);
  if (told.length) $("status").dataset.news = told.map((job) => `${plain(job.name)}: ${state(job.state)}`).join("; ");
  news.clear();
}

function tell() {
  if (!session.current()) return;
  const age = fresh ? Date.now() - fresh : 0;
  const stream = { live: "Live", reconnecting: "Events reconnecting, asked every 10 s meanwhile", connecting: "Connecting" }[live];
  const stale = fresh && age > STALE;
  const words = !fresh ? "Reading …" : stale ? `Stale since ${clock(fresh)}` : `${stream}, as of ${clock(fresh)}`;
  const line = [words, $("status").dataset.news].filter(Boolean).join(" · ");
  if ($("status").textContent !== line) $("status").textContent = line;
  $("status").className = stale ? "stale" : live;
}

async function retry(ids, button) {
  button.disabled = true;
  let sent = 0;
  try {
    for (const id of ids) { await ask("POST", `/jobs/${id}/retry`); sent += 1; }
    $("status").dataset.news = `${count(sent, "document")} sent back to work`;
  } catch (problem) {
    trouble(problem);
  }
  button.disabled = false;
  soon(0);
}

async function resume(run, button) {
  button.disabled = true;
  try {
    const { jobs } = await ask("POST", `/runs/${run}/resume`);
    $("status").dataset.news = `${count(jobs, "document")} sent back to work`;
  } catch (problem) {
    trouble(problem);
  }
  button.disabled = false;
  soon(0);
}

function trouble(problem) {
  if (problem.status === -1) return;
  if (problem.status === 401) { leave(`${problem.message} Sign in with a new token.`); return; }
  const since = problem.status === 0 && fresh ? ` What you see is of ${clock(fresh)}.` : "";
  notice(`${problem.message} ${problem.remedy}${since}`);
}

function notice(words) {
  if ($("notice").textContent !== words) $("notice").textContent = plain(words);
  $("notice").hidden = !words;
}

// By a link that signs in: where nobody is signed in at once, else when the person says so.
function arrive() {
  const before = session.current();
  session.begin();
  if (session.current() !== before) become(session.current());
  replacing.ask(become);
}

function become(token) {
  leave();
  session.enter(token);
  start();
}

function leave(words = "") {
  session.leave();
  stop?.();
  clearTimeout(timer);
  clearTimeout(lapse);
  stop = fresh = lapse = null;
  user = "";
  news.clear();
  delete $("status").dataset.news;
  empty();
  replacing.close();
  pages.close();
  story.close();
  uploads.clear();
  search.clear();
  golden.clear();
  $("status").textContent = $("name").textContent = $("user").value = "";
  $("who").hidden = $("board").hidden = $("status").hidden = true;
  $("sign-in").hidden = false;
  notice(words);
  $("token").focus();
}

$("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const given = $("token").value.trim();
  $("token").value = "";
  if (!/^[\w.~+/=-]+$/.test(given)) { notice("That is no token. Paste what navigator token prints."); return; }
  session.enter(given);
  notice("");
  start();
});
$("leave").addEventListener("click", () => { forget(); leave(); });
$("whose").addEventListener("submit", (event) => {
  event.preventDefault();
  user = $("user").value.trim();
  search.clear();
  loadGolden();
  listen();
  soon(0);
});
addEventListener("visibilitychange", () => { if (!document.hidden && session.current()) soon(0); });
addEventListener("hashchange", () => {
  if (location.hash.includes("token=")) arrive();
  else if (session.current()) pages.follow();
});
setInterval(tell, 1000);
uploads.listen(() => soon(AFTER_NEWS), (problem) => { if (problem.status === 401) trouble(problem); });
pages.listen(trouble);
search.listen(whose, (problem) => { if (problem.status === 401) trouble(problem); });
if (session.begin()) start();
else leave();
replacing.ask(become);
