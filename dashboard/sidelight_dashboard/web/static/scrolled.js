// Boxes that scroll inside themselves.

/** What scrolls inside itself can be reached and scrolled by keys, and says what it is. */
export function reachScrolled() {
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
