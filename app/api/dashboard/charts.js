// Small drawings; each says in words what it shows.

import { draw, el } from "./dom.js";
import { number } from "./words.js";

const WIDTH = 300;
const HEIGHT = 60;

/** One bar a minute, or a day; `words` is what it shows. */
export function bars(title, values, words, from, to) {
  const most = Math.max(...values, 1);
  const step = WIDTH / values.length;
  const drawn = values.map((value, index) => {
    const height = value === 0 ? 0 : Math.max(2, (value / most) * HEIGHT);
    return draw("rect", {
      x: (index * step).toFixed(2), y: (HEIGHT - height).toFixed(2),
      width: Math.max(step - 1, 1).toFixed(2), height: height.toFixed(2), class: "bar",
    });
  });
  const sum = values.reduce((one, other) => one + other, 0);
  return el("figure", {},
    el("figcaption", {}, el("b", {}, number(sum)), ` ${sum === 1 ? title.replace(/s$/, "") : title}, at most ${number(Math.max(...values))} a minute`),
    draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT + 1}`, role: "img", "aria-label": words, preserveAspectRatio: "none" },
      draw("line", { x1: 0, x2: WIDTH, y1: HEIGHT + 0.5, y2: HEIGHT + 0.5, class: "axis" }), drawn),
    el("div", { class: "ends", "aria-hidden": "true" }, el("span", {}, from), el("span", {}, to)));
}

/** Passed over failed, one column a day. */
export function stacked(days, words) {
  const most = Math.max(...days.map((day) => day.passed + day.failed), 1);
  const step = WIDTH / days.length;
  const drawn = days.flatMap((day, index) => {
    const failed = day.failed ? Math.max(2, (day.failed / most) * HEIGHT) : 0;
    const passed = (day.passed / most) * (HEIGHT - failed);
    const at = { x: (index * step + 1).toFixed(2), width: (step - 2).toFixed(2) };
    return [
      draw("rect", { ...at, y: (HEIGHT - passed).toFixed(2), height: passed.toFixed(2), class: "good" }),
      draw("rect", { ...at, y: (HEIGHT - passed - failed).toFixed(2), height: failed.toFixed(2), class: "bad" }),
    ];
  });
  return draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT + 1}`, role: "img", "aria-label": words, preserveAspectRatio: "none" },
    draw("line", { x1: 0, x2: WIDTH, y1: HEIGHT + 0.5, y2: HEIGHT + 0.5, class: "axis" }), drawn);
}
