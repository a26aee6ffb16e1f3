// Times in the viewer's zone.

const words = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "short", day: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit",
});
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

export function isTime(value) {
  return typeof value === "string" && UTC.test(value);
}

/** `2026-11-23T08:00:00.000Z` as the same moment here, without a zone: what charts and forms take. */
export function here(iso) {
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, -1);
}

/** What a person wrote here, as UTC. */
export function utc(written) {
  return new Date(written).toISOString();
}

export function tellTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = `${time.dateTime} (${zone} shown)`;
    time.textContent = words.format(at);
  }
}
