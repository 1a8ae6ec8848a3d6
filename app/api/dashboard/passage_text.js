// A passage as a search shows it: paragraphs, lists and rows, with the question's words marked.

import { el, plain } from "./dom.js";
import { inline } from "./inline.js";

const HEADING = /^#{1,6}\s+/;
const ITEM = /^\s*(?:[-*+•]|\d{1,3}[.)])\s/;
const BULLET = /^\s*[-*+•]\s+/;
const RULE = /^[\s|:=_-]+$/;

/** The elements of a passage; `spans` are the places of words, in characters. */
export function passage(text, spans) {
  // Offsets count characters; a string of JavaScript counts some of them twice.
  const view = { letters: Array.from(text), spans };
  const found = [];
  let rows = [];
  const close = () => { if (rows.length) found.push(table(rows)); rows = []; };
  for (const [from, to] of lines(view.letters)) {
    const words = view.letters.slice(from, to).join("");
    if (words.trimStart().startsWith("|")) { if (!RULE.test(words)) rows.push(cells(view, from, to)); continue; }
    close();
    if (!words.trim() || RULE.test(words)) continue;
    found.push(line(view, from, to, words));
  }
  close();
  return el("div", { class: "passage" }, found);
}

function* lines(letters) {
  let from = 0;
  while (from < letters.length) {
    const end = letters.indexOf("\n", from);
    const to = end < 0 ? letters.length : end;
    yield [from, to];
    from = to + 1;
  }
}

function line(view, from, to, words) {
  const heading = HEADING.exec(words);
  const bullet = BULLET.exec(words);
  const start = from + (heading ?? bullet ?? [""])[0].length;
  const content = marked(view, start, to);
  return el("p", { dir: "auto", class: ITEM.test(words) ? "item" : null },
    bullet ? "• " : null, heading ? el("b", {}, content) : content);
}

const table = (rows) => el("div", { class: "scrolls", tabindex: 0, role: "region", "aria-label": "Table" },
  el("table", {}, el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell) => el("td", { dir: "auto" }, cell)))))));

// A row's cells stand between its bars; a bar behind a backslash is text.
function cells(view, from, to) {
  const bars = [];
  for (let at = from; at < to; at += 1) if (view.letters[at] === "|" && view.letters[at - 1] !== "\\") bars.push(at);
  if (bars.at(-1) < to - 1 && view.letters.slice(bars.at(-1) + 1, to).join("").trim()) bars.push(to);
  return bars.slice(1).map((bar, index) => marked(view, bars[index] + 1, bar));
}

// The text between two offsets; signs of emphasis may begin outside of a mark, so they are left out.
function marked(view, from, to) {
  const piece = (start, end) => inline(view.letters.slice(start, end).join("").replaceAll("**", ""));
  const found = [];
  let at = from;
  for (const [start, end] of view.spans.filter(([first, last]) => first >= from && last <= to)) {
    found.push(piece(at, start), el("mark", {}, plain(view.letters.slice(start, end).join("").replace(/\u00ad/g, ""))));
    at = end;
  }
  return [...found, piece(at, to)];
}
