// Events as they happen. EventSource cannot send a token, so this reads the stream with fetch.

import { address, headers, problemOf } from "./api.js";

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30000;
const SILENCE = 40000; // the API says something every 15 s

/**
 * Follow the events until `stop` is called.
 * `told` hears each event; `changed` hears "live", "reconnecting" or a Problem that ends it.
 */
export function follow(query, told, changed) {
  let last = null;
  let pause = FIRST_PAUSE;
  let stopped = false;
  let away = false; // the page was left, and may come back
  let control = null;

  async function once() {
    control = new AbortController();
    let timer = setTimeout(() => control.abort(), SILENCE);
    const answer = await fetch(address("/events", query), {
      headers: { ...headers(), ...(last ? { "Last-Event-ID": last } : {}) },
      signal: control.signal,
      cache: "no-store",
    });
    if (!answer.ok) throw await problemOf(answer);
    pause = FIRST_PAUSE;
    changed("live");
    const pieces = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await pieces.read();
      clearTimeout(timer);
      if (done || stopped) return;
      timer = setTimeout(() => control.abort(), SILENCE);
      const blocks = (rest + value.replaceAll("\r", "")).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) read(block);
    }
  }

  function read(block) {
    const fields = Object.fromEntries(
      block.split("\n").filter((line) => !line.startsWith(":")).map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
      }),
    );
    if (!fields.data) return;
    last = fields.id ?? last;
    told(JSON.parse(fields.data));
  }

  async function back() {
    await new Promise((ready) => { addEventListener("pageshow", ready, { once: true }); });
    away = false;
  }

  async function keep() {
    while (!stopped) {
      if (away) await back();
      let wait = pause;
      try {
        await once();
      } catch (error) {
        if (stopped) return undefined; // it was told already, and an answer cut off says nothing
        if (error.status === 401) return changed(error);
        wait = Math.max(pause, (error.retryAfter ?? 0) * 1000);
      }
      if (stopped) return undefined;
      changed("reconnecting");
      pause = Math.min(pause * 2, LONGEST_PAUSE);
      await new Promise((ready) => { setTimeout(ready, wait * (0.8 + Math.random() * 0.4)); });
    }
    return undefined;
  }

  // A page that is left may be kept by the browser, with its connection: six of them, and no page
  // of this address loads any more. The stream is opened again when the page comes back.
  const leave = () => {
    away = true;
    control?.abort();
  };
  addEventListener("pagehide", leave);
  keep();
  return () => {
    stopped = true;
    removeEventListener("pagehide", leave);
    control?.abort();
  };
}
