// Parts marked `data-live` follow what happens: the server tells that there is something new, the
// same page is asked for again, and parts of the same id take the place of those that were there.

import { drawCharts } from "./charts.js";
import { tellTimes } from "./times.js";

const LEAST_MS = 1000;

for (const part of document.querySelectorAll("[data-live][id]")) part.told = part.innerHTML;

let shown = Number(document.body.dataset.revision);
let isAsking = false;
let newest = shown;

export function follow() {
  const pulse = document.getElementById("pulse");
  const events = new EventSource("/events");
  events.addEventListener("open", () => { pulse.textContent = ""; });
  events.addEventListener("error", () => { pulse.textContent = "not live: waiting for the dashboard"; });
  events.addEventListener("revision", ({ data }) => { newest = Number(data); catchUp(); });
  document.addEventListener("visibilitychange", catchUp);
}

async function catchUp() {
  if (isAsking || document.hidden || newest === shown) return;
  isAsking = true;
  const asked = newest;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
    shown = asked;
  } catch { /* the event stream tells that the dashboard is away, and when it is back */ }
  setTimeout(() => { isAsking = false; catchUp(); }, LEAST_MS);
}

function swap(page) {
  for (const there of document.querySelectorAll("[data-live][id]")) {
    const fresh = page.getElementById(there.id);
    if (fresh) replace(there, fresh);
  }
  drawCharts();
  document.dispatchEvent(new CustomEvent("sidelight:swapped"));
}

/** Charts stay, to be drawn anew in place; so do the focus and what was unfolded. */
function replace(there, fresh) {
  const told = fresh.innerHTML;
  if (there.told === told || isWritten(there)) return;
  there.told = told;
  const focused = [...there.querySelectorAll(FOCUSED)].indexOf(document.activeElement);
  for (const open of there.querySelectorAll("details[id][open]")) twin(open, fresh)?.setAttribute("open", "");
  for (const figure of there.querySelectorAll("figure[data-chart][id]")) keep(figure, twin(figure, fresh));
  there.replaceChildren(...fresh.childNodes);
  tellTimes(there);
  if (focused >= 0) there.querySelectorAll(FOCUSED)[focused]?.focus({ preventScroll: true });
}

const FOCUSED = "a[href], button, summary, [tabindex]";

function isWritten(part) {
  const at = document.activeElement;
  return part.contains(at) && at.matches("input, select, textarea");
}

function twin(node, fresh) {
  return fresh.querySelector(`#${CSS.escape(node.id)}`);
}

function keep(figure, fresh) {
  if (!fresh) return;
  figure.dataset.chart = fresh.dataset.chart;
  fresh.replaceWith(figure);
}
