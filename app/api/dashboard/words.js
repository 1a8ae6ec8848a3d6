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

const STATES = {
  uploaded: ["waits for its turn", "work"], parse_queued: ["being parsed", "work"],
  parsed: ["parsed", "work"], parse_validated: ["text checked", "work"],
  chunks_stored: ["cut into chunks", "work"], embeddings_stored: ["embedded", "work"],
  complete: ["published", "good"], complete_with_gaps: ["complete, with gaps", "warn"],
  failed_parse: ["could not be parsed", "bad"], failed_validation: ["text not fit", "bad"],
  failed_chunking: ["could not be cut", "bad"], failed_embedding: ["could not be embedded", "bad"],
  quarantined: ["in quarantine", "bad"], cancelled: ["cancelled", "quiet"],
  superseded: ["replaced by a newer version", "quiet"], deleted: ["deleted", "quiet"],
};
export const STATE_ORDER = Object.keys(STATES);
export const state = (name) => STATES[name]?.[0] ?? name.replaceAll("_", " ");
export const mood = (name) => STATES[name]?.[1] ?? "quiet";
export const spaced = (name) => name.replaceAll("_", " ");
