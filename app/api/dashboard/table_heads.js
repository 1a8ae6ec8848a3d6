// The names of a table's columns, as the page has them: what several share stands above them once.

import { el } from "./dom.js";
import { inline } from "./inline.js";

const LEVELS = " / ";

/** The head of a table; null when its columns have no names. */
export function columns(header) {
  if (!header.some(Boolean)) return null;
  const groups = grouped(header);
  const rows = Array.from({ length: depth(groups) }, () => []);
  place(groups, rows, 0);
  return el("thead", {}, rows.map((cells) => el("tr", {}, cells)));
}

// Neighbors that share what stands before the slash; a slash of its own stays in its name.
function grouped(header) {
  const found = [];
  for (let at = 0; at < header.length;) {
    const [first] = header[at].split(LEVELS);
    let end = at + 1;
    while (header[at].includes(LEVELS) && end < header.length && header[end].startsWith(first + LEVELS)) end += 1;
    if (end - at > 1) found.push({ name: first, wide: end - at, below: grouped(header.slice(at, end).map((name) => name.slice(first.length + LEVELS.length))) });
    else found.push({ name: header[at], wide: 1, below: [] });
    at = end;
  }
  return found;
}

const depth = (groups) => Math.max(0, ...groups.map((group) => 1 + depth(group.below)));

function place(groups, rows, level) {
  for (const { name, wide, below } of groups) {
    const alone = !below.length;
    rows[level].push(el("th", {
      scope: alone ? "col" : "colgroup", colspan: wide > 1 ? wide : null,
      rowspan: alone && rows.length - level > 1 ? rows.length - level : null,
    }, inline(name)));
    place(below, rows, level + 1);
  }
}
