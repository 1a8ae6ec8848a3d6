// What maintenance found and mended, for operators.

import { el, fill, plain, table } from "./dom.js";
import { seldom } from "./seldom.js";
import { count, number, when } from "./words.js";

const SECONDS = 60; // it looks once an hour
const title = ({ title: [first, ...rest] }) => plain(first.toUpperCase() + rest.join(""));

export const place = { id: "maintenance", title: "Maintenance", wide: true };
export const ask = ({ get, operator }) => (operator ? seldom(get, "/maintenance", SECONDS) : null);
export const show = (told) => fill("maintenance", told, maintenance);

function maintenance(told) {
  if (!told.run_id) return el("p", { class: "soft" }, plain(told.summary));
  const mood = told.kinds.some((each) => each.person) ? "bad" : told.kinds.some((each) => each.found > each.mended) ? "warn" : "good";
  const looked = `looked at ${when(told.finished_at)}${told.fix ? "" : ", without mending"}`;
  return [
    el("p", {}, el("span", { class: `badge ${mood}` }, plain(told.summary)), " ", el("span", { class: "soft" }, looked)),
    ...Object.entries(told.not_looked_at).map(([name, why]) => el("p", { class: "soft" }, plain(`Not looked at: ${name}. ${why}`))),
    told.kinds.length ? table("By kind", ["What", ">Found", ">Mended", ">For a person"],
      told.kinds.map((each) => [title(each), number(each.found), number(each.mended), number(each.person)])) : null,
    ...told.kinds.map(kind),
  ];
}

function kind(each) {
  const more = each.found - each.findings.length;
  return el("details", { "data-key": each.kind }, el("summary", { "data-key": `${each.kind}-summary` }, title(each)),
    el("p", { class: "soft" }, plain(each.why)),
    each.what_was_mended ? el("p", {}, `${number(each.mended)} mended: `, plain(each.what_was_mended)) : null,
    each.decision ? el("p", {}, el("b", {}, "A person must decide: "), plain(each.decision)) : null,
    el("ul", {}, each.findings.map((found) => el("li", {}, el("code", {}, plain(found.subject)),
      plain(found.detail ? `: ${found.detail}` : ""), " ",
      el("span", { class: `badge ${found.mended ? "good" : found.decision ? "bad" : "quiet"}` },
        found.mended ? "mended" : found.decision ? "for a person" : "left")))),
    more > 0 ? el("p", { class: "soft" }, `and ${count(more, "more finding")}`) : null);
}
