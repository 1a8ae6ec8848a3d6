// The picture of a page with its chunks drawn over it, each where its text stands.

import { draw, el } from "./dom.js";
import { chunkWords } from "./page_text.js";

/** The picture and what lies over it, once it can be seen. */
export async function sheet(page, source, hit) {
  const image = el("img", { src: source, alt: `Page ${page.number} as it looks` });
  await image.decode();
  const placed = page.size && page.chunks.some((chunk) => chunk.boxes.length);
  const over = placed ? overlay(page, hit) : null;
  const words = page.chunks.length && !placed ? el("p", { class: "soft" }, "Where its chunks stand on the page is not known.") : null;
  return [el("div", { class: "sheet" }, image, over), words].filter(Boolean);
}

function overlay(page, hit) {
  const [width, height] = page.size;
  return draw("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none" },
    page.chunks.filter((chunk) => chunk.boxes.length).map((chunk) => draw("g", {
      tabindex: 0, role: "img", "aria-label": chunkWords(chunk), "data-chunks": chunk.id,
      class: `chunk ${chunk.ordinal % 2 ? "odd" : "even"}${chunk.id === hit ? " hit" : ""}`,
    }, chunk.boxes.map(box))));
}

// A little wider than the words, which touch the edges of their box.
const box = ([left, top, right, bottom]) => draw("rect", {
  x: left - 2, y: top - 1, width: Math.max(right - left, 1) + 4, height: Math.max(bottom - top, 1) + 2, rx: 2,
});
