// Parts marked `data-live` follow what happens: the server tells that there is something new, the
// same page is asked for again, and parts of the same id take the place of those that were there.

import { drawCharts } from "./charts.js";
import { tellTimes } from "./times.js";

const LEAST_MS = 1000;
/** Of the time, at most one part in so many is spent asking. */
const CALM = 4;
const FOCUSED = "a[href], button, summary, [tabindex]";

const parts = () => document.querySelectorAll("[data-live][id]");
const pulse = document.getElementById("pulse");

let shown = Number(document.body.dataset.revision);
let newest = shown;
let isAsking = false;
let events;

for (const part of parts()) part.told = part.innerHTML;

/** While the page is seen: browsers have few connections, which pages behind others would hold. */
export function follow() {
  if (document.body.dataset.revision === "") return;
  const listen = () => {
    if (document.hidden) events?.close();
    else events = listening();
  };
  document.addEventListener("visibilitychange", listen);
  window.addEventListener("pagehide", () => events?.close());
  window.addEventListener("pageshow", ({ persisted }) => { if (persisted) listen(); });
  listen();
}

function listening() {
  const source = new EventSource("/events");
  source.addEventListener("open", () => say(""));
  source.addEventListener("error", () => {
    if (source !== events) return;
    const isOver = source.readyState === EventSource.CLOSED;
    say(isOver ? "Not live: reload the page" : "Not live: waiting for the dashboard");
  });
  source.addEventListener("revision", ({ data }) => {
    newest = Number(data);
    catchUp();
  });
  return source;
}

function say(words) {
  if (pulse.textContent !== words) pulse.textContent = words;
}

async function catchUp() {
  if (isAsking || document.hidden || newest === shown) return;
  isAsking = true;
  const asked = newest;
  const begun = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (answer.redirected) say("Not live: log in again");
    else if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
    shown = asked;
  } catch { /* the event stream tells that the dashboard is away, and when it is back */ }
  const took = performance.now() - begun;
  setTimeout(() => { isAsking = false; catchUp(); }, Math.max(LEAST_MS, CALM * took));
}

function swap(page) {
  for (const part of parts()) {
    const fresh = page.getElementById(part.id);
    if (fresh) replace(part, fresh);
  }
  drawCharts();
  document.dispatchEvent(new CustomEvent("sidelight:swapped"));
}

/** Charts stay, to be drawn anew in place; so do the focus and what was unfolded. */
function replace(part, fresh) {
  const told = fresh.innerHTML;
  if (part.told === told || isWritten(part)) return;
  part.told = told;
  const focused = [...part.querySelectorAll(FOCUSED)].indexOf(document.activeElement);
  for (const details of part.querySelectorAll("details[id]")) {
    const other = twin(details, fresh);
    if (other) other.open = details.open;
  }
  for (const figure of part.querySelectorAll("figure[data-chart][id]")) keepChart(figure, twin(figure, fresh));
  part.replaceChildren(...fresh.childNodes);
  tellTimes(part);
  if (focused >= 0) part.querySelectorAll(FOCUSED)[focused]?.focus({ preventScroll: true });
}

function isWritten(part) {
  const at = document.activeElement;
  return part.contains(at) && at.matches("input, select, textarea");
}

function twin(node, fresh) {
  return fresh.querySelector(`#${CSS.escape(node.id)}`);
}

/** Its caption and table are the new ones, what is drawn is kept. */
function keepChart(figure, fresh) {
  const place = figure.querySelector(":scope > .chart");
  if (!fresh || !place) return;
  const caption = fresh.querySelector(":scope > figcaption");
  if (caption) caption.after(place);
  else fresh.prepend(place);
}
