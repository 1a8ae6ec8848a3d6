// What changes by the hour is not asked for every ten seconds: an answer is kept for a while.

import * as session from "./session.js";

const kept = new Map();

/** The answer of `get(path)`, at most so many seconds old, and never one that somebody else was given. */
export async function seldom(get, path, seconds) {
  const whose = session.current();
  const known = kept.get(path);
  if (known && known.whose === whose && Date.now() - known.at < seconds * 1000) return known.told;
  const told = await get(path);
  kept.set(path, { whose, at: Date.now(), told });
  return told;
}

/** Forget them all. */
export const clear = () => kept.clear();
