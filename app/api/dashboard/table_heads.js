// The names of a table's columns, as the page has them: what several share stands above them once.

import { el } from "./dom.js";
import { inline } from "./inline.js";

const LEVELS = " / ";

/** The head of a table; null when its columns have no names. */
export function columns(header) {
  if (!header.some(Boolean)) return null;
  const groups = grouped(header);
  const deep = groups.some((group) => group.below);
  const head = (attributes, words) => el("th", { scope: "col", ...attributes }, inline(words));
  const upper = groups.map((group) => (group.below
    ? head({ scope: "colgroup", colspan: group.below.length }, group.name)
    : head({ rowspan: deep ? 2 : null }, group.name)));
  const lower = groups.flatMap((group) => (group.below ?? []).map((name) => head({}, name)));
  return el("thead", {}, el("tr", {}, upper), deep ? el("tr", {}, lower) : null);
}

// Neighbors that share what stands before the slash; a slash of its own stays in its name.
function grouped(header) {
  const found = [];
  for (let at = 0; at < header.length;) {
    const [first] = header[at].split(LEVELS);
    let end = at + 1;
    while (header[at].includes(LEVELS) && end < header.length && header[end].startsWith(first + LEVELS)) end += 1;
    if (end - at > 1) found.push({ name: first, below: header.slice(at, end).map((name) => name.slice(first.length + LEVELS.length)) });
    else found.push({ name: header[at] });
    at = end;
  }
  return found;
}
