// Elements made of text. Nothing here, or anywhere, makes HTML of a string.

// Direction and control characters can make a name look like another one: they are shown as codes.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu;
const code = (each) => each.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");

/** A text of somebody's, with what cannot be seen made visible. */
export const plain = (text) => String(text ?? "").replace(HIDDEN, (each) => `⟨U+${code(each)}⟩`);

/** An element; children are elements, texts, or lists of them, however deep. */
export function el(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** An element of a drawing. */
export function draw(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...nodes(children));
  return element;
}

// A browser writes what is no node as text, "null" and "[object …]" too: so nothing else reaches it.
const nodes = (children) => children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);

/** Put children into a place, instead of what is there. */
export const put = (place, ...children) => place.replaceChildren(...nodes(children));

/** A table; a column that starts with ">" is of numbers. */
export function table(caption, columns, rows) {
  const right = (index) => (columns[index].startsWith(">") ? "number" : null);
  const heads = columns.map((each, index) =>
    el("th", { scope: "col", class: right(index) }, each.replace(">", "")));
  const lines = rows.map((row) => el("tr", {}, row.map((cell, index) =>
    el(index === 0 ? "th" : "td",
      { ...(index === 0 ? { scope: "row" } : {}), class: right(index), "data-label": columns[index].replace(">", "") },
      cell))));
  return el("table", {}, el("caption", {}, caption), el("thead", {}, el("tr", {}, heads)),
    el("tbody", {}, lines));
}

const shown = new Map();

/** Fill a place, but only when what it shows has changed; focus, open details and what is typed stay. */
export function fill(id, data, make) {
  const mark = JSON.stringify(data);
  if (shown.get(id) === mark) return;
  shown.set(id, mark);
  const place = document.getElementById(id);
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const before = new Map([...place.querySelectorAll("details")].map((each) => [each.dataset.key, each.open]));
  const typed = new Map([...place.querySelectorAll("input[data-key]")].map((each) => [each.dataset.key, each.value]));
  put(place, make(data));
  for (const each of place.querySelectorAll("input[data-key]")) each.value = typed.get(each.dataset.key) ?? each.value;
  for (const each of place.querySelectorAll("details")) each.open = before.get(each.dataset.key) ?? each.open;
  if (focused) place.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

/** Forget everything that was filled in. */
export function empty() {
  for (const id of shown.keys()) document.getElementById(id).replaceChildren();
  shown.clear();
}
