// What a report does when there is script: times of the viewer's zone, the theme, charts. It is
// complete without.

import { drawCharts, drawRest } from "./charts.js";
import { reachScrolled } from "./scrolled.js";
import { offerThemes } from "./themes.js";
import { tellTimes, zone } from "./times.js";

/** On paper: light, as wide as a sheet, and every chart. */
function printWell() {
  const root = document.documentElement;
  let theme;
  const redraw = () => {
    drawCharts();
    return drawRest();
  };
  window.addEventListener("beforeprint", () => {
    theme = root.dataset.theme;
    root.dataset.theme = "light";
    root.classList.add("paper");
    redraw();
  });
  window.addEventListener("afterprint", () => {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    root.classList.remove("paper");
    redraw();
  });
}

tellTimes(document);
document.getElementById("zone").textContent = `Times are of ${zone}.`;
offerThemes(drawCharts);
printWell();
reachScrolled();
document.addEventListener("toggle", reachScrolled, true);
drawCharts();
soon(() => drawRest());
