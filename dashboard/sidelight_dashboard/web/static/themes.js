// Light or dark, as the system says or as was chosen here.

/** A button for the other theme; `redraw` what has colours of its own. */
export function offerThemes(redraw) {
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
    redraw();
  });
  dark.addEventListener("change", () => { tell(); redraw(); });
  tell();
  button.hidden = false;
}

function keep(theme) {
  try {
    localStorage.setItem("theme", theme);
  } catch { /* then it is for this page only */ }
}
