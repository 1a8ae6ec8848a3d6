// What is read on a schedule, and what came of it, for operators.

import { el, fill, plain, table } from "./dom.js";
import { number, when } from "./words.js";

export const place = { id: "sources", title: "Sources", wide: true };

/** Nothing for who is no operator, or where there are none. */
export async function ask({ get, operator }) {
  const told = operator ? await get("/sources") : null;
  return told?.items.length ? told : null;
}

export const show = (told) => fill("sources", told, sources);

function sources({ items }) {
  return table("By source", ["Source", "Where", "Read", "Last run", ">Listed", ">Read", ">Deleted", ">Rejected", ""],
    items.map((each) => [plain(each.name), plain(each.url), plain(each.schedule),
      each.last_run_at ? when(each.last_run_at) : "–",
      ...["listed", "read", "deleted", "rejected"].map((name) => number(each.counts[name] ?? 0)),
      each.trouble ? el("span", { class: "badge bad" }, plain(each.trouble)) : ""]));
}
