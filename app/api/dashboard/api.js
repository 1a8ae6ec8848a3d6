// The API, asked with the token of the session.

import * as session from "./session.js";

const PREFIX = "/api/v1";
const PATIENCE = 15000;

/** An answer that is none: a sentence, and what to do. `status` is 0 when nobody answered. */
export class Problem extends Error {
  constructor(status, detail, remedy = "", retryAfter = 0) {
    super(detail);
    Object.assign(this, { status, remedy, retryAfter });
  }
}

const UNREACHABLE = "The API does not answer.";

export const address = (path, query = {}) => {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== "");
  const words = new URLSearchParams(given).toString();
  return (path.startsWith("/health") ? "" : PREFIX) + path + (words ? `?${words}` : "");
};

export const headers = () => ({ Authorization: `Bearer ${session.current()}` });

/** Ask; the answer's content. */
export function ask(method, path, { query, body, accept = [200, 202, 204] } = {}) {
  return answered(address(path, query), {
    method,
    headers: { ...headers(), ...(body ? { "Content-Type": "application/json" } : {}) },
    body: body ? JSON.stringify(body) : undefined,
    signal: AbortSignal.timeout(PATIENCE),
    cache: "no-store",
  }, accept, (answer) => (answer.status === 204 ? null : answer.json()));
}

/** A text. */
export function words(path) {
  return answered(address(path), {
    headers: headers(), signal: AbortSignal.timeout(PATIENCE), cache: "no-store",
  }, [200], (answer) => answer.text());
}

/** A picture, as bytes; one that the browser still has is asked for, not sent again. */
export function picture(path, query) {
  return answered(address(path, query), {
    headers: headers(), signal: AbortSignal.timeout(2 * PATIENCE), cache: "no-cache",
  }, [200], (answer) => answer.blob());
}

async function answered(url, request, accept, read) {
  const asked = session.current();
  let answer;
  try {
    answer = await fetch(url, request);
    session.heard(answer.headers.get("Date"));
    if (asked !== session.current()) throw new Problem(-1, "Somebody else signed in meanwhile.");
    if (accept.includes(answer.status)) return await read(answer);
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(0, UNREACHABLE, "It is asked again by itself.");
  }
  throw await problemOf(answer);
}

/** The problem that an answer says. */
export async function problemOf(answer) {
  const told = await answer.json().catch(() => ({}));
  const wait = Number(answer.headers.get("Retry-After")) || 0;
  return new Problem(answer.status, told.detail ?? UNREACHABLE, told.remedy ?? "", wait);
}

/** Send a file; `progress` hears the share that has been sent. */
export function send(file, progress) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("file", file);
    request.open("POST", address("/documents"));
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.responseType = "json";
    request.upload.onprogress = (event) => progress(event.loaded / (event.total || 1));
    request.onerror = () => failed(new Problem(0, UNREACHABLE, "Try again."));
    request.onload = () => {
      const told = request.response ?? {};
      if (request.status === 200 || request.status === 202) done(told);
      else failed(new Problem(request.status, told.detail ?? UNREACHABLE, told.remedy ?? ""));
    };
    request.send(form);
  });
}
