// Alerts that are open, for operators: what is wrong, who was told, and who looks after it.

import { ask as request } from "./api.js";
import { el, fill, plain } from "./dom.js";
import { when } from "./words.js";

const MOODS = { critical: "bad", warning: "warn", info: "quiet" };

export const place = { id: "alerts", title: "Alerts", wide: true };

/** Those that are open; null for who is no operator, and while none is open. */
export async function ask({ operator, get }) {
  const told = operator ? await get("/alerts") : null;
  return told?.items.length ? told.items : null;
}

/** Show them. */
export function show(open, { soon, trouble }) {
  fill("alerts", open, (items) => el("ul", { class: "alerts" }, items.map((each) => one(each, soon, trouble))));
}

function one(each, reload, refused) {
  return el("li", { "data-alert": each.id },
    el("p", {}, el("span", { class: `badge ${MOODS[each.severity]}` }, plain(each.severity)), " ",
      el("b", {}, plain(each.heading)), " ", el("span", { class: "soft" }, `since ${when(each.opened_at)}`),
      each.count > 1 ? el("span", { class: "soft" }, `, ${each.count} times`) : null),
    el("p", {}, plain(each.title)),
    each.cause ? el("p", { class: "soft" }, plain(`Likely cause: ${each.cause}`)) : null,
    el("p", { class: "soft" }, plain(`${told(each)} What to do: ${each.runbook}`)), act(each, reload, refused));
}

function told(each) {
  const sent = each.deliveries.filter(({ outcome }) => outcome === "sent").map(({ target }) => target);
  const failed = each.deliveries.filter(({ outcome }) => outcome === "failed").map(({ target }) => target);
  if (!each.deliveries.length) return "No channel is set for it, so it is told here alone.";
  return [sent.length ? `Told: ${sent.join(", ")}.` : "Nobody was told yet.",
    failed.length ? `Not reached: ${failed.join(", ")}.` : null].filter(Boolean).join(" ");
}

function act(each, reload, refused) {
  if (each.acknowledged_at) {
    return el("p", {}, plain(`${each.acknowledged_by} looks after it${each.acknowledged_why ? `: ${each.acknowledged_why}` : ""}`));
  }
  return el("p", {}, el("button", { type: "button", "data-key": `ack-${each.id}`, "data-acknowledge": each.id,
    "aria-label": `Acknowledge: ${plain(each.heading)}`, onclick: async (event) => {
      const button = event.currentTarget;
      button.disabled = true;
      try {
        await request("POST", `/alerts/${each.id}/acknowledge`, { body: {} });
        reload();
      } catch (problem) {
        button.disabled = false;
        refused(problem);
      }
    } }, "Acknowledge"));
}
