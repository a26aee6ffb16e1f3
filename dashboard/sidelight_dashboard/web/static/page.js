// What every page does when there is script: times of the viewer's zone, the theme, charts, and
// parts that follow what happens. Pages are complete without.

import { drawCharts } from "./charts.js";
import { follow } from "./live.js";
import { reachScrolled } from "./scrolled.js";
import { offerThemes } from "./themes.js";
import { here, tellTimes, utc, zone } from "./times.js";

/** The form's exact times, as the viewer's clock tells them; the server is asked in UTC. */
function tellForms() {
  for (const form of document.querySelectorAll("form.range")) {
    const exact = form.querySelector(".exact");
    const length = form.elements.last;
    const submit = form.querySelector("[type=submit]");
    exact.querySelector("[data-zone]").textContent = zone;
    const asked = new Map(); // as it came: an hour that the clock shows twice is two moments
    for (const input of exact.querySelectorAll("input")) {
      if (!input.value) continue;
      const moment = utc(`${input.value}Z`);
      input.value = here(moment).slice(0, 19);
      asked.set(`${input.name} ${input.value}`, moment);
    }
    const inUtc = (name, written) => asked.get(`${name} ${written}`) ?? utc(written);
    let byKey = false; // arrow keys pass many choices on their way: who uses them presses the button
    const show = () => {
      exact.hidden = exact.disabled = length.value !== "";
      submit.hidden = exact.hidden && !byKey;
    };
    form.addEventListener("keydown", () => { byKey = true; });
    form.addEventListener("pointerdown", () => { byKey = false; });
    for (const select of form.querySelectorAll("select"))
      select.addEventListener("change", () => { show(); if (length.value && !byKey) form.requestSubmit(); });
    form.addEventListener("formdata", ({ formData }) => {
      for (const name of ["from", "to"]) if (formData.get(name)) formData.set(name, inUtc(name, formData.get(name)));
      for (const [name, value] of [...formData]) if (!value && name !== "version") formData.delete(name);
      if (form.elements.version?.selectedIndex === 0) formData.delete("version"); // whichever is newest
    });
    show();
  }
}

function closeMenus() {
  const opened = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("click", ({ target }) => {
    for (const menu of opened()) if (!menu.contains(target)) menu.open = false;
  });
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    for (const menu of opened()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}

tellTimes(document);
offerThemes(drawCharts);
tellForms();
closeMenus();
reachScrolled();
document.addEventListener("sidelight:swapped", reachScrolled);
document.addEventListener("toggle", reachScrolled, true);
drawCharts();
follow();
