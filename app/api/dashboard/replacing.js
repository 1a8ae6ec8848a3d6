// A link that signs in while somebody is signed in: a person says whether it may.

import { plain } from "./dom.js";
import * as session from "./session.js";

const LONGEST = 60;
const dialog = document.getElementById("replace");
let replace = null;

/** Ask about the token that a link has brought, if there is one; `accepted` gets it on a yes. */
export function ask(accepted) {
  const offered = session.offered();
  if (offered === null) return;
  const [open, link] = [who(session.current()), who(offered)];
  document.getElementById("replace-words").textContent =
    `You are signed in as ${open}. A link was opened that signs this tab in as ${link}: what you upload and search from then on would be theirs. Go on only if you asked for this link yourself.`;
  document.getElementById("replace-stay").textContent = `Stay signed in as ${open}`;
  document.getElementById("replace-go").textContent = `Sign in as ${link}`;
  replace = () => accepted(offered);
  if (!dialog.open) dialog.showModal();
  document.getElementById("replace-stay").focus();
}

/** Ask no more: nobody is signed in, or somebody else. */
export function close() {
  replace = null;
  if (dialog.open) dialog.close();
}

function who(token) {
  const { sub, role } = session.claims(token);
  const name = typeof sub === "string" && sub.trim() ? sub.trim() : "somebody without a name";
  const short = [...name].length > LONGEST ? `${[...name].slice(0, LONGEST).join("")}…` : name;
  return `“${plain(short)}”${role === "service" ? " (operator)" : ""}`;
}

// Escape, a reload and everything else but the one button leave things as they are.
dialog.addEventListener("close", () => {
  const go = dialog.returnValue === "go" ? replace : null;
  dialog.returnValue = "";
  replace = null;
  go?.();
});
