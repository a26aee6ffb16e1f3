// What figures leave to the browser: the theme's colours and the viewer's zone. Each is looked for
// only where it may stand, so that a category called "$alarm" or like a time stays itself.

import { here, isTime } from "./times.js";

const COLOUR = /color$/;
const TIME = new Set(["x", "x0", "x1", "range"]);

/** The figure with `colour(role)` in the place of roles, and with times as they are here. */
export function filled({ data, layout = {} }, colour) {
  const isOverTime = layout.xaxis?.type === "date";
  const read = (value, key) => {
    if (Array.isArray(value)) return value.map((item) => read(item, key));
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, read(item, name)]));
    if (typeof value !== "string") return value;
    if (COLOUR.test(key) && value.startsWith("$")) return colour(value.slice(1));
    return isOverTime && TIME.has(key) && isTime(value) ? here(value) : value;
  };
  return { data: read(data, ""), layout: read(layout, "") };
}
