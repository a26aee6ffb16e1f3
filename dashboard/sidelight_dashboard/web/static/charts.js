// Draws `<figure data-chart="/api/...">`: the figure comes as JSON, its colours as roles ("$alarm"),
// its times in UTC. The library is loaded only where there is a chart, after the first paint.

import { here, isTime, zone } from "./times.js";

const CONFIG = { displayModeBar: false, responsive: true, showTips: false };
let library;

/** Draw, or draw anew, every chart below `root`. */
export function drawCharts(root = document) {
  for (const figure of root.querySelectorAll("figure[data-chart]")) soon(() => draw(figure));
}

function soon(work) {
  (window.requestIdleCallback || ((later) => setTimeout(later, 30)))(work, { timeout: 500 });
}

async function draw(figure) {
  const address = figure.dataset.chart;
  const place = placeOf(figure);
  try {
    const [plotly, told] = await Promise.all([loaded(), toldBy(address)]);
    if (figure.dataset.chart !== address) return; // asked for another one in the meantime
    const { data, layout } = readied(told, figure);
    if (layout.height) place.style.height = `${layout.height}px`;
    await plotly.react(place, data, layout, CONFIG);
    listen(place);
    say(figure, "");
  } catch (error) {
    say(figure, `The chart could not be drawn: ${error.message}`);
  }
}

async function toldBy(address) {
  const answer = await fetch(address, { headers: { accept: "application/json" } });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.error || `${address} answered ${answer.status}`);
  return told;
}

function loaded() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = document.body.dataset.plotly;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      library = undefined;
      reject(new Error("the charts' library did not come; reload the page"));
    };
    document.head.append(script);
  });
  return library;
}

function placeOf(figure) {
  const there = figure.querySelector(":scope > .chart");
  if (there) return there;
  const place = document.createElement("div");
  place.className = "chart";
  place.setAttribute("role", "img");
  const caption = figure.querySelector("figcaption");
  if (caption) place.setAttribute("aria-label", caption.textContent.trim().replace(/\s+/g, " "));
  if (caption && caption.nextSibling) caption.after(place);
  else if (caption) caption.before(place);
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
  const style = getComputedStyle(document.documentElement);
  const swatch = document.createElement("i");
  figure.append(swatch);
  const colour = (role) => {
    swatch.style.color = `var(--chart-${role})`;
    return getComputedStyle(swatch).color;
  };
  const read = (value) => {
    if (Array.isArray(value)) return value.map(read);
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, read(item)]));
    if (typeof value === "string" && /^\$[a-z]+$/.test(value)) return colour(value.slice(1));
    return isTime(value) ? here(value) : value;
  };
  const data = read(told.data);
  const layout = framed(read(told.layout || {}), colour, style.getPropertyValue("--font"));
  swatch.remove();
  return { data, layout };
}

function framed(layout, colour, font) {
  const line = { gridcolor: colour("grid"), linecolor: colour("grid"), zerolinecolor: colour("grid"), automargin: true };
  const axes = { xaxis: {}, yaxis: {}, ...layout };
  for (const name of Object.keys(axes).filter((name) => /^[xy]axis\d*$/.test(name)))
    axes[name] = { ...line, ...axes[name] };
  if (axes.xaxis.type === "date" && !axes.xaxis.title) axes.xaxis.title = { text: `time, ${zone}`, font: { size: 11 } };
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: font, color: colour("text"), size: 13 },
    margin: { t: 30, r: 12, b: 36, l: 48 },
    legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom" },
    hovermode: axes.xaxis.type === "date" ? "x unified" : "closest",
    hoverlabel: { bgcolor: colour("paper"), bordercolor: colour("grid"), font: { color: colour("text") } },
    dragmode: axes.xaxis.type === "date" ? "zoom" : false,
    uirevision: "kept",
    ...axes,
  };
}

/** A point whose `customdata` is an address of ours leads there. */
function listen(place) {
  if (place.dataset.listens) return;
  place.dataset.listens = "yes";
  place.on("plotly_click", ({ points }) => {
    const address = points.map((point) => [point.customdata].flat()[0]).find(isAddress);
    if (address) window.location.assign(address);
  });
}

function isAddress(value) {
  return typeof value === "string" && /^[/?](?![/\\])/.test(value);
}
