// Who is signed in: a token in this tab's session storage, and nowhere else.

const KEY = "navigator.token";
let token = null;
let waiting = null;

/**
 * Take the token of the address, which forgets it at once, or the one that the tab holds.
 *
 * A session that is open is not replaced: the address's token is then only offered.
 */
export function begin() {
  const given = taken();
  token ??= sessionStorage.getItem(KEY);
  if (given && token !== null && token !== given && !lapsed(token)) waiting = given;
  else if (given) enter(given);
  return token !== null;
}

function taken() {
  const address = new URLSearchParams(location.hash.slice(1));
  const given = (address.get("token") ?? "").trim();
  if (location.hash.includes("token=")) {
    address.delete("token");
    const rest = address.size ? `#${address}` : "";
    history.replaceState(null, "", location.pathname + location.search + rest);
  }
  return given;
}

// The API judges tokens by its own clock; the browser's may be wrong by a day.
let ahead = 0;
export const heard = (date) => { const there = Date.parse(date); if (there) ahead = there - Date.now(); };
export const left = (held = token) => claims(held).exp * 1000 - Date.now() - ahead;
const lapsed = (held) => left(held) < 0;

/** The token that a link has brought while another session was open; told once. */
export function offered() {
  const given = waiting;
  waiting = null;
  return given;
}

export function enter(given) {
  token = given.trim();
  sessionStorage.setItem(KEY, token);
}

export function leave() {
  token = null;
  sessionStorage.removeItem(KEY);
}

export const current = () => token;

/** What a token says of itself; only the API knows whether that is true. */
export function claims(held = token) {
  try {
    const part = held.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(part), (each) => each.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) ?? {};
  } catch {
    return {};
  }
}
