// The page: signs in, asks for what the view shows, follows the events, and says how fresh it all is.

import { ask, Problem } from "./api.js";
import { empty, plain } from "./dom.js";
import * as documents from "./document_list.js";
import * as story from "./document_history.js";
import * as golden from "./golden.js";
import { below, forgetAll, viewAddress } from "./links.js";
import * as pages from "./pages.js";
import * as replacing from "./replacing.js";
import * as search from "./search.js";
import { clear as forgetAnswers } from "./seldom.js";
import * as session from "./session.js";
import { follow } from "./stream.js";
import * as uploads from "./uploads.js";
import * as views from "./views.js";
import { clock, count, state } from "./words.js";

const AFTER_NEWS = 700; // so that many events make one question
const APART = 2000; // however many events come
const AGAIN = 5000; // after a question that was not answered

const $ = (id) => document.getElementById(id);
let stop = null; // ends the stream
let timer = null;
let due = Infinity; // when the timer ends
let asked = 0; // when the API was asked last
let turn = 0; // of the view: an answer to another one is dropped
let loading = null; // the turn that is asked for now
let again = false;
let fresh = null; // when the figures came
let live = "connecting";
let user = "";
let operator = false;
let lapse = null;
const news = new Map(); // job id: state

const whose = () => ({ user });
const context = () => ({ ask, whose: whose(), operator, trouble, oneUser: !operator || user !== "" });
const actions = { retry, acknowledge, resume, open: (id) => story.open(id, actions), trouble, soon: () => soon(0) };

function start() {
  const said = session.claims();
  operator = said.role === "service";
  $("name").textContent = plain(`${said.sub ?? "Signed in"}${operator ? " (operator)" : ""}`);
  for (const id of ["who", "board", "status", "pages"]) $(id).hidden = false;
  $("sign-in").hidden = true;
  $("whose").hidden = !operator;
  turned();
  listen();
  pages.follow();
}

// The address is another one: another view, other filters, another user.
function turned() {
  const named = operator ? below().user ?? "" : "";
  const other = named !== user;
  user = named;
  $("user").value = user;
  if (other) { search.clear(); golden.clear(); }
  if (!views.follow()) return;
  turn += 1;
  fresh = null;
  again = false;
  story.close();
  documents.follow(below());
  search.allow(context().oneUser);
  $("upload-note").hidden = !operator;
  if (other && stop) listen();
  tell();
  soon(0);
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
  if (views.VIEWS[views.current()].every) soon(Math.max(AFTER_NEWS, asked + APART - Date.now()));
}

// The earliest of what is asked for: news that never ends must not put it off for ever.
function soon(wait) {
  const at = Date.now() + wait;
  if (at >= due) return;
  clearTimeout(timer);
  due = at;
  timer = setTimeout(() => { due = Infinity; if (!document.hidden) load(); }, wait);
}

function halt() {
  clearTimeout(timer);
  due = Infinity;
}

async function load() {
  if (loading === turn) { again = true; return; }
  loading = turn;
  asked = Date.now();
  const [token, mine, view] = [session.current(), turn, views.current()];
  let wait = views.VIEWS[view].every;
  try {
    const told = await views.ask(view, context());
    if (token !== session.current() || mine !== turn) return;
    lapse ??= expiring();
    views.show(view, told, actions);
    story.refresh(actions);
    announce(told);
    fresh = new Date();
    notice("");
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    wait = Math.max(AGAIN, problem.retryAfter * 1000);
    if (mine === turn) trouble(problem);
  } finally {
    if (mine === turn) {
      if (session.current() && (again || wait)) soon(again ? AFTER_NEWS : wait);
      loading = null;
      again = false;
      tell();
    }
  }
}

// Only after an answer, which has said what time it is.
function expiring() {
  const left = session.left() + 11000;
  return Number.isNaN(left) ? null : setTimeout(() => leave("Your token has expired. Sign in with a new token."), Math.min(left, 2 ** 31 - 1));
}

// One sentence for who cannot see the page, however much happened.
function announce(told) {
  const jobs = told.flatMap((each) => each?.items ?? []);
  const heard = jobs.filter((job) => job.state && news.get(job.latest_job_id ?? job.id) === job.state).slice(0, 3);
  if (heard.length) $("status").dataset.news = heard.map((job) => `${plain(job.name)}: ${state(job.state)}`).join("; ");
  news.clear();
}

function tell() {
  if (!session.current()) return;
  const { every } = views.VIEWS[views.current()];
  const stale = fresh && every && Date.now() - fresh > 2.5 * every;
  const reconnecting = every ? `Events reconnecting, asked every ${every / 1000} s meanwhile` : "Events reconnecting";
  const stream = { live: "Live", reconnecting, connecting: "Connecting" }[live];
  const words = !fresh ? "Reading …" : stale ? `Stale since ${clock(fresh)}` : every ? `${stream}, as of ${clock(fresh)}` : stream;
  const line = [words, $("status").dataset.done, $("status").dataset.news].filter(Boolean).join(" · ");
  if ($("status").textContent !== line) $("status").textContent = line;
  $("status").className = stale ? "stale" : live;
}

function retry(ids, button) {
  return act(button, async () => {
    const { jobs, left } = await ask("POST", "/jobs/retry", { body: { jobs: ids } });
    return `${count(jobs.length, "document")} sent back to work${left.length ? `, ${left.length} left as they were` : ""}`;
  });
}

function acknowledge(ids, button) {
  return act(button, async () => {
    const { jobs } = await ask("POST", "/jobs/acknowledge", { body: { jobs: ids } });
    return `${count(jobs.length, "failure")} acknowledged`;
  });
}

function resume(run, button) {
  return act(button, async () => {
    const { jobs } = await ask("POST", `/runs/${run}/resume`);
    return `${count(jobs, "document")} sent back to work`;
  });
}

async function act(button, work) {
  button.disabled = true;
  try {
    // Said at once, and apart from the news: what the act brings about would take its place unread.
    $("status").dataset.done = await work();
    delete $("status").dataset.news;
    tell();
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
  halt();
  clearTimeout(lapse);
  stop = fresh = lapse = null;
  turn += 1;
  user = "";
  news.clear();
  forgetAnswers();
  delete $("status").dataset.done;
  delete $("status").dataset.news;
  empty();
  replacing.close();
  pages.close();
  story.close();
  for (const part of [uploads, search, golden, documents]) part.clear();
  $("status").textContent = $("name").textContent = $("user").value = "";
  for (const id of ["who", "board", "status", "pages"]) $(id).hidden = true;
  $("sign-in").hidden = false;
  views.leave();
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
  $("title").focus();
});
$("leave").addEventListener("click", () => { leave(); forgetAll(); });
$("whose").addEventListener("submit", (event) => {
  event.preventDefault();
  const { view = "overview", cursor: _, ...filters } = below();
  location.hash = viewAddress(view, { ...filters, user: $("user").value.trim() });
});
addEventListener("visibilitychange", () => { if (!document.hidden && session.current()) soon(0); });
addEventListener("hashchange", () => {
  if (location.hash.includes("token=")) arrive();
  else if (session.current()) { turned(); pages.follow(); }
});
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); $("title").focus(); });
setInterval(tell, 1000);
views.build();
uploads.listen(() => soon(AFTER_NEWS), (problem) => { if (problem.status === 401) trouble(problem); });
pages.listen(trouble);
documents.listen(actions);
search.listen(whose, (problem) => { if (problem.status === 401) trouble(problem); }, () => soon(0));
if (session.begin()) start();
else leave();
replacing.ask(become);
