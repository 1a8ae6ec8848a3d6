// Files that are dropped or chosen: two at a time, each with its progress and its end in words.

import { send } from "./api.js";
import { el, plain } from "./dom.js";

const AT_ONCE = 2;
const WORDS = {
  new: "Accepted.", changed: "Accepted as a new version.", waiting: "These bytes are being worked on already.",
  unchanged: "These bytes are published already.", failed_before: "These bytes failed or were cancelled before; see under Documents what to do.",
};
const drop = document.getElementById("drop");
const input = document.getElementById("files");
const list = document.getElementById("uploads");
const waiting = [];
let busy = 0;

/** Take files from now on; `sent` hears of each that was taken, `refused` of problems. */
export function listen(sent, refused) {
  input.addEventListener("change", () => { add(input.files, sent, refused); input.value = ""; });
  drop.addEventListener("drop", (event) => { drop.classList.remove("over"); add(event.dataTransfer.files, sent, refused); });
  drop.addEventListener("dragover", () => drop.classList.add("over"));
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  // A file that misses the place must not replace the page.
  for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());
}

export function clear() {
  waiting.length = 0;
  list.replaceChildren();
}

function add(files, sent, refused) {
  for (const file of files) {
    const bar = el("progress", { max: 1, value: 0, "aria-label": `Sending ${plain(file.name)}` });
    const words = el("span", { class: "soft", role: "status" }, "waits");
    list.prepend(el("li", {}, el("b", {}, plain(file.name)), " ", words, bar));
    waiting.push({ file, bar, words });
  }
  next(sent, refused);
}

function next(sent, refused) {
  while (busy < AT_ONCE && waiting.length) {
    busy += 1;
    one(waiting.shift(), sent, refused).finally(() => { busy -= 1; next(sent, refused); });
  }
}

async function one({ file, bar, words }, sent, refused) {
  words.textContent = "is sent";
  try {
    const told = await send(file, (share) => { bar.value = share; });
    words.textContent = WORDS[told.outcome] ?? "Accepted.";
    words.className = "good";
    sent();
  } catch (problem) {
    words.textContent = plain(`${problem.message} ${problem.remedy}`);
    words.className = "bad";
    refused(problem);
  }
  bar.remove();
}
