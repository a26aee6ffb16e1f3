// What every page does when there is script: times of the viewer's zone, the theme, charts, and
// parts that follow what happens. Pages are complete without.

import { drawCharts } from "./charts.js";
import { follow } from "./live.js";
import { here, tellTimes, utc, zone } from "./times.js";

function offerThemes() {
  const button = document.getElementById("theme");
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const other = () => ((root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark" ? "light" : "dark");
  const tell = () => {
    button.textContent = other() === "dark" ? "☾ Dark" : "☀ Light";
    button.setAttribute("aria-label", `Use the ${other()} theme`);
  };
  button.addEventListener("click", () => {
    root.dataset.theme = other();
    keep(root.dataset.theme);
    tell();
    drawCharts();
  });
  dark.addEventListener("change", () => { tell(); drawCharts(); });
  tell();
  button.hidden = false;
}

function keep(theme) {
  try {
    localStorage.setItem("theme", theme);
  } catch { /* then it is for this page only */ }
}

/** The form's exact times, as the viewer's clock tells them; the server is asked in UTC. */
function tellForms() {
  for (const form of document.querySelectorAll("form.range")) {
    const exact = form.querySelector(".exact");
    const length = form.elements.last;
    const submit = form.querySelector("[type=submit]");
    exact.querySelector("[data-zone]").textContent = zone;
    for (const input of exact.querySelectorAll("input")) input.value = here(`${input.value}Z`).slice(0, 19);
    const show = () => { exact.hidden = exact.disabled = submit.hidden = length.value !== ""; };
    for (const select of form.querySelectorAll("select"))
      select.addEventListener("change", () => { show(); if (length.value) form.requestSubmit(); });
    form.addEventListener("formdata", ({ formData }) => {
      for (const name of ["from", "to"]) if (formData.get(name)) formData.set(name, utc(formData.get(name)));
      for (const [name, value] of [...formData]) if (!value && name !== "version") formData.delete(name);
      if (form.elements.version?.selectedIndex === 0) formData.delete("version"); // whichever is newest
    });
    show();
  }
}

/** What scrolls inside itself can be reached and scrolled by keys, and says what it is. */
function reachScrolled() {
  for (const box of document.querySelectorAll(".scroll, pre")) {
    if (box.scrollWidth <= box.clientWidth) continue;
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", labelOf(box));
  }
}

function labelOf(box) {
  const told = box.querySelector("caption") ?? box.closest("section, figure, .card")?.querySelector("h2, h3, figcaption");
  return told?.textContent.trim().replace(/\s+/g, " ") || "Table";
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
offerThemes();
tellForms();
closeMenus();
reachScrolled();
document.addEventListener("sidelight:swapped", reachScrolled);
document.addEventListener("toggle", reachScrolled, true);
drawCharts();
follow();
