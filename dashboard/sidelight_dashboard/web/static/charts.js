// Draws `<figure data-chart="/api/...">`: the figure comes as JSON, its colours as roles ("$alarm"),
// its times in UTC.

import { loaded, toldBy } from "./asking.js";
import { filled } from "./roles.js";
import { utc, zone } from "./times.js";

const CONFIG = { displayModeBar: false, responsive: true, showTips: false };
/** Below it numbers along an axis would be turned for want of room. */
const NARROW = 500;

/** Charts near what is seen are drawn, others when they come near. */
const near = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      target.isNear = isIntersecting;
      if (isIntersecting && target.isStale) soon(() => draw(target));
    }
  },
  { rootMargin: "50%" },
);

/** Draw, or draw anew, every chart below `root`. */
export function drawCharts(root = document) {
  for (const figure of root.querySelectorAll("figure[data-chart]")) {
    figure.isStale = true;
    placeOf(figure);
    if (figure.isNear) soon(() => draw(figure));
    else near.observe(figure);
  }
}

/** Those too that nobody has come near; the next one when one is done. */
export async function drawRest(root = document) {
  for (const figure of root.querySelectorAll("figure[data-chart]")) if (figure.isStale) await draw(figure);
}

function soon(work) {
  (window.requestIdleCallback || ((later) => setTimeout(later, 30)))(work, { timeout: 500 });
}

async function draw(figure) {
  const address = figure.dataset.chart;
  figure.isStale = false;
  const place = placeOf(figure);
  try {
    const [plotly, text] = await Promise.all([loaded(), toldBy(address)]);
    if (figure.dataset.chart !== address) return; // asked for another one in the meantime
    const drawn = `${getComputedStyle(figure).color} ${place.clientWidth} ${text}`;
    if (place.drawn === drawn) return;
    const { data, layout } = readied(JSON.parse(text), figure);
    layout.uirevision ??= address;
    if (layout.height) place.style.height = `${layout.height}px`;
    await plotly.react(place, data, layout, CONFIG);
    place.drawn = drawn;
    listen(place);
    say(figure, "");
  } catch (error) {
    say(figure, `The chart could not be drawn: ${error.message}`);
  }
}

function placeOf(figure) {
  const caption = figure.querySelector(":scope > figcaption");
  const place = figure.querySelector(":scope > .chart") ?? placedIn(figure, caption);
  if (caption) place.setAttribute("aria-label", caption.textContent.trim().replace(/\s+/g, " "));
  return place;
}

function placedIn(figure, caption) {
  const place = document.createElement("div");
  place.className = "chart";
  place.setAttribute("role", "img");
  if (caption) caption.after(place);
  else figure.prepend(place);
  return place;
}

function say(figure, words) {
  let told = figure.querySelector(":scope > .chart-told");
  if (!told && !words) return;
  if (!told) {
    told = document.createElement("p");
    told.className = "chart-told";
    told.setAttribute("role", "status");
    figure.append(told);
  }
  told.textContent = words;
  told.hidden = !words;
}

/** The figure with this theme's colours, this zone's times, and what all charts have in common. */
function readied(told, figure) {
  const swatch = document.createElement("i");
  figure.append(swatch);
  const colour = (role) => {
    swatch.style.color = `var(--chart-${role})`;
    return getComputedStyle(swatch).color;
  };
  const { data, layout: own } = filled(told, colour);
  const isNarrow = figure.clientWidth < NARROW;
  const layout = framed(own, colour, getComputedStyle(figure).fontFamily, isNarrow);
  if (isNarrow && data.some(({ orientation }) => orientation === "h"))
    layout.xaxis = { nticks: 4, tickangle: 0, ...layout.xaxis };
  swatch.remove();
  return { data, layout };
}

function framed(layout, colour, family, isNarrow) {
  const grid = colour("grid");
  const line = { gridcolor: grid, linecolor: grid, zerolinecolor: colour("reference"), automargin: true };
  const axes = { xaxis: {}, yaxis: {}, ...layout };
  for (const name of Object.keys(axes).filter((name) => /^[xy]axis\d*$/.test(name)))
    axes[name] = { ...line, ...axes[name] };
  const isOverTime = axes.xaxis.type === "date";
  if (isOverTime) {
    axes.xaxis.title ??= { text: `time, ${zone}`, font: { size: 11 } };
    axes.xaxis.hoverformat ??= "%-d %b %Y, %H:%M:%S";
    axes.xaxis.tickangle ??= 0;
    if (isNarrow) axes.xaxis.nticks ??= 4;
  }
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family, color: colour("text"), size: 13 },
    margin: { t: 34, r: 12, b: 36, l: 48 },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    hovermode: isOverTime ? "x unified" : "closest",
    hoverlabel: { bgcolor: colour("paper"), bordercolor: grid, font: { color: colour("text") } },
    dragmode: isOverTime ? "zoom" : false,
    ...axes,
  };
}

/** A point whose `customdata` is an address of ours leads there; a stretch of time can be opened. */
function listen(place) {
  if (place.listens) return;
  place.listens = true;
  place.on("plotly_click", ({ points }) => {
    const address = points.map((point) => [point.customdata].flat()[0]).find(isAddress);
    if (address) window.location.assign(address);
  });
  place.on("plotly_relayout", (change) => offerStretch(place, change));
}

function isAddress(value) {
  return typeof value === "string" && /^[/?](?![/\\])/.test(value);
}

/** Zoomed in: a link to the page of just that time, where pages of the model can be asked for one. */
function offerStretch(place, change) {
  if (place.nextElementSibling?.matches(".stretch")) place.nextElementSibling.remove();
  const [begin, end] = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
  if (!document.querySelector("form.range") || typeof begin !== "string") return;
  const address = new URL(window.location);
  address.searchParams.delete("last");
  address.searchParams.set("from", utc(begin.replace(" ", "T")));
  address.searchParams.set("to", utc(end.replace(" ", "T")));
  const link = document.createElement("a");
  link.className = "stretch";
  link.href = address;
  link.textContent = "Show only this stretch of time";
  place.after(link);
}
