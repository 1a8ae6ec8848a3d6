// Who is signed in: a token in this tab's session storage, and nowhere else.

const KEY = "navigator.token";
let token = null;

/** Take the token of the address, which forgets it at once, or the one that the tab holds. */
export function begin() {
  const address = new URLSearchParams(location.hash.slice(1));
  const given = address.get("token");
  if (location.hash.includes("token=")) {
    address.delete("token");
    const rest = address.has("page") ? `#${address}` : "";
    history.replaceState(null, "", location.pathname + location.search + rest);
  }
  if (given) enter(given);
  else token = sessionStorage.getItem(KEY);
  return token !== null;
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

/** What the token says of itself; only the API knows whether that is true. */
export function claims() {
  try {
    const part = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(part), (each) => each.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return {};
  }
}
