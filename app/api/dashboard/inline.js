// Words of a document as elements: Markdown's emphasis, raised marks and line ends.

import { el, plain } from "./dom.js";

const SOFT = /[\u00ad\u200b-\u200d\ufeff]/g; // seen by nobody, and no trick
const INLINE = /(\*\*[^*\n]+\*\*|<sup>[^<\n]{1,40}<\/sup>|<br ?\/?>|\\[\\`*_{}[\]()#+.!|<>~-])/;

/** The elements of some words; what is no mark of Markdown's is text. */
export function inline(words) {
  return words.replace(SOFT, "").split(INLINE).filter(Boolean).flatMap((part) => {
    if (part.startsWith("**") && part.length > 4) return el("strong", {}, plain(part.slice(2, -2)));
    if (part.startsWith("<sup>")) return el("sup", {}, plain(part.slice(5, -6)));
    if (part.startsWith("<br")) return el("br");
    if (part.length === 2 && part.startsWith("\\")) return plain(part[1]);
    return lines(part);
  });
}

const lines = (part) => part.replace(/(?<!\n)\n+$/, "").split("\n").flatMap((line, index) => [index ? el("br") : null, ...breakable(plain(line))]);

// An address would make its column as wide as itself: it may be broken after its marks.
const LONG = /(\S{24,})/;
const breakable = (line) => line.split(LONG).flatMap((part) =>
  (LONG.test(part) ? part.split(/(?<=[/.\-_@&=?])/).flatMap((piece) => [piece, el("wbr")]) : [part]));
