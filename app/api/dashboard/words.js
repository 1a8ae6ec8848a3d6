// Figures and states in words.

const whole = new Intl.NumberFormat("en");
export const number = (value) => whole.format(value);
export const count = (value, word) => `${number(value)} ${word}${value === 1 ? "" : "s"}`;

export function dollars(value) {
  const given = Number(value);
  const digits = given !== 0 && Math.abs(given) < 1 ? 4 : 2;
  if (given > 0 && given < 0.0001) return "< $0.0001";
  return `$${given.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: digits })}`;
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} days`;
}

export function size(bytes) {
  for (const [unit, factor] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
    if (bytes >= factor) return `${(bytes / factor).toLocaleString("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 })} ${unit}`;
  }
  return count(bytes, "byte");
}

export const percent = (part, all) => {
  if (!all) return "–";
  const share = (100 * part) / all;
  return `${part < all && share > 99.9 ? "99.9" : Number(share.toFixed(1))} %`;
};

export const clock = (date) => date.toLocaleTimeString("en-GB");

export function when(text) {
  const date = new Date(text);
  const today = date.toDateString() === new Date().toDateString();
  return today ? clock(date)
    : date.toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

// The words of `STATE_TITLES` in pipeline/states.py; a test compares the two.
const STATES = {
  uploaded: ["waiting (uploaded)", "work"], parse_queued: ["waiting (parsing)", "work"],
  parsed: ["waiting (parsed)", "work"], parse_validated: ["waiting (text checked)", "work"],
  chunks_stored: ["waiting (chunked)", "work"], embeddings_stored: ["waiting (embedded)", "work"],
  complete: ["published", "good"], complete_with_gaps: ["complete, with gaps", "warn"],
  failed_parse: ["failed (parsing)", "bad"], failed_validation: ["failed (text check)", "bad"],
  failed_chunking: ["failed (chunking)", "bad"], failed_embedding: ["failed (embedding)", "bad"],
  quarantined: ["failed (quarantined)", "bad"], cancelled: ["cancelled", "quiet"],
  superseded: ["superseded", "quiet"], deleted: ["deleted", "quiet"],
};
export const STATE_ORDER = Object.keys(STATES);
export const state = (name) => STATES[name]?.[0] ?? name.replaceAll("_", " ");
export const mood = (name) => STATES[name]?.[1] ?? "quiet";
export const spaced = (name) => name.replaceAll("_", " ");
