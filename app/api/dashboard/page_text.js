// What was read of a page, as blocks: headings, paragraphs, lists and real tables, with its chunks.

import { el, plain } from "./dom.js";
import { inline } from "./inline.js";
import { columns } from "./table_heads.js";

const HEADING = /^(#{1,6})\s+/;
const ITEM = /^\s*(?:[-*+•]|\d{1,3}[.)])\s/;
const BULLET = /^\s*[-*+•]\s+/;

/** What a chunk is called. */
export function chunkWords(chunk) {
  const role = chunk.role === "other" ? "" : `, ${chunk.role.replaceAll("_", " ")}`;
  const before = chunk.from_before ? ", continues from the page before" : "";
  return `Chunk ${chunk.ordinal + 1}${role}${before}${chunk.goes_on ? ", continues on the next page" : ""}`;
}

/** The blocks of a page; `hit` is the chunk that a search found. */
export function blocks(page, hit) {
  // Offsets count characters; a string of JavaScript counts some of them twice.
  const letters = Array.from(page.text);
  const view = { page, letters, hit, marked: new Set() };
  const found = [];
  let at = 0;
  for (const table of page.tables) {
    if (table.start < at) continue;
    const [below] = table.row_offsets[0] ?? [table.end];
    found.push(...prose(view, at, table.start), ...marks(view, table.start, below), tableOf(view, table));
    at = table.end;
  }
  found.push(...prose(view, at, letters.length));
  if (!found.length) found.push(el("p", { class: "soft" }, "No text was read on this page."));
  if (page.furniture.length) found.push(el("footer", { class: "furniture" }, el("h3", {}, "Left out, since it repeats on other pages"),
    page.furniture.map((line) => el("p", { dir: "auto" }, plain(line)))));
  return found;
}

function prose(view, from, to) {
  const found = [];
  for (const [start, end] of paragraphs(view.letters, from, to)) found.push(...marks(view, start, end), block(view, start, end));
  return found;
}

// Lines that belong together: a blank line ends a paragraph; a heading and an item stand alone.
function* paragraphs(letters, from, to) {
  let start = null;
  let line = from;
  while (line < to) {
    let end = letters.indexOf("\n", line);
    if (end < 0 || end > to) end = to;
    const words = letters.slice(line, end).join("");
    const alone = HEADING.test(words) || ITEM.test(words);
    if (start !== null && (alone || !words.trim())) { yield [start, line]; start = null; }
    if (HEADING.test(words)) yield [line, end];
    else if (words.trim() && start === null) start = line;
    line = end + 1;
  }
  if (start !== null) yield [start, to];
}

function block(view, from, to) {
  const words = view.letters.slice(from, to).join("");
  const heading = HEADING.exec(words);
  const bullet = BULLET.exec(words);
  const start = from + (heading ?? bullet ?? [""])[0].length;
  const name = heading ? `h${Math.min(heading[1].length + 2, 6)}` : "p";
  const kind = ITEM.test(words) ? "item" : kindOf(view.page, from, to);
  return el(name, { dir: "auto", class: [kind, parity(view, from, to)].join(" ").trim(), "data-from": start, "data-to": start + Array.from(view.letters.slice(start, to).join("").trimEnd()).length }, bullet ? "• " : null, segments(view, start, to));
}

const kindOf = (page, from, to) => page.regions.find((each) => each.start < to && each.end > from)?.kind ?? "paragraph";
const within = (view, from, to) => view.page.chunks.filter((chunk) => chunk.start < to && chunk.end > from);
// Where two chunks overlap, it is the later one whose name stands above.
const parity = (view, from, to) => { const last = within(view, from, to).at(-1); return last ? (last.ordinal % 2 ? "odd" : "even") : "loose"; };

// The names of the chunks that begin here, to be reached by the keyboard.
function marks(view, from, to) {
  return within(view, from, to).filter((chunk) => !view.marked.has(chunk.id)).map((chunk) => {
    view.marked.add(chunk.id);
    return el("div", { class: `chunk-name ${chunk.ordinal % 2 ? "odd" : "even"}` }, el("button", { type: "button", "data-chunks": chunk.id, class: chunk.id === view.hit ? "hit" : "" },
      chunkWords(chunk), chunk.id === view.hit ? " (found)" : ""),
      chunk.context ? el("span", { class: "soft context", title: plain(chunk.context) }, ` with ${plain(chunk.context)}`) : null);
  });
}

// The text between two offsets, cut wherever a chunk begins or ends.
function segments(view, from, to) {
  const chunks = within(view, from, to);
  const cuts = new Set([from, to]);
  for (const { start, end } of chunks) for (const cut of [start, end]) if (cut > from && cut < to) cuts.add(cut);
  const places = [...cuts].sort((one, other) => one - other);
  return places.slice(1).map((end, index) => {
    const start = places[index];
    const mine = chunks.filter((chunk) => chunk.start < end && chunk.end > start);
    return el("span", named(view, mine), inline(view.letters.slice(start, end).join("")));
  });
}

function named(view, chunks) {
  if (!chunks.length) return {};
  const hit = chunks.some((chunk) => chunk.id === view.hit);
  return { "data-chunks": chunks.map((chunk) => chunk.id).join(" "), class: hit ? "piece hit" : "piece" };
}

function tableOf(view, table) {
  const rows = table.rows.map((row, index) => {
    const [start, end] = table.row_offsets[index] ?? [table.start, table.end];
    const mine = within(view, start, end);
    const { class: piece = "", ...given } = named(view, mine);
    return el("tr", { ...given, class: `${piece} ${parity(view, start, end)}` },
      row.map((cell, column) => el("td", { dir: "auto", "data-cell": [view.page.tables.indexOf(table), index, column].join(",") }, column ? null : marks(view, start, end), inline(cell))));
  });
  const caption = [table.caption, table.continues ? "continues from the page before" : ""].filter(Boolean).map(plain).join(", ");
  return el("div", { class: "scrolls", tabindex: 0, role: "region", "aria-label": caption || "Table" },
    el("table", {}, caption ? el("caption", {}, caption) : null, columns(table.header), el("tbody", {}, rows)));
}
