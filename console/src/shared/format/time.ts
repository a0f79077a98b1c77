// SPDX-License-Identifier: Apache-2.0
// Instants come as ISO 8601 text and are shown in the tenant's zone, whatever the zone of the computer they are read on.

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string): Intl.DateTimeFormat {
  let found = formats.get(zone);
  if (found === undefined) {
    found = new Intl.DateTimeFormat("en-CA", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formats.set(zone, found);
  }
  return found;
}

function parts(instant: Date, zone: string): Record<string, string> {
  return Object.fromEntries(format(zone).formatToParts(instant).map((part) => [part.type, part.value]));
}

/** `2026-05-01 07:30:00`; '' for null or text that is no instant. */
export function instantText(value: string | Date | null | undefined, zone: string): string {
  if (value === null || value === undefined) return "";
  const instant = value instanceof Date ? value : new Date(value);
  if (Number.isNaN(instant.getTime())) return "";
  const at = parts(instant, zone);
  return `${at.year ?? ""}-${at.month ?? ""}-${at.day ?? ""} ${at.hour ?? ""}:${at.minute ?? ""}:${at.second ?? ""}`;
}

/** Calendar day of an instant in the zone, `2026-05-01`. */
export function dayOf(instant: Date, zone: string): string {
  return instantText(instant, zone).slice(0, 10);
}

/** The calendar day that a person wrote, `2026-05-01`: also with slashes, dots or nothing between, or without leading zeros; null for
 * what is no day. The year stands first, always: 03/04/2026 is two days, so it is none. */
export function dayFrom(text: string): string | null {
  const match = /^\s*(\d{4})(?:[-/.](\d{1,2})[-/.](\d{1,2})|(\d{2})(\d{2}))\s*$/.exec(text);
  if (match === null) return null;
  const day = `${match[1] ?? ""}-${(match[2] ?? match[4] ?? "").padStart(2, "0")}-${(match[3] ?? match[5] ?? "").padStart(2, "0")}`;
  const at = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().slice(0, 10) === day ? day : null;
}

/** The wall clock of the zone as if it were UTC, in ms: for an axis that knows no zones. Null for text that is no instant. */
export function wallMs(value: string | Date, zone: string): number | null {
  const text = instantText(value, zone);
  return text === "" ? null : Date.parse(`${text.replace(" ", "T")}Z`);
}

/** The day `count` days after (before, if negative) a calendar day; days, not 24-hour spans. */
export function addDays(day: string, count: number): string {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + count);
  return at.toISOString().slice(0, 10);
}

/** The same calendar day a year before; 29 February becomes the 28th. */
export function yearBefore(day: string): string {
  const year = String(Number(day.slice(0, 4)) - 1).padStart(4, "0");
  return day.endsWith("-02-29") ? `${year}-02-28` : year + day.slice(4);
}

/** Instant at which a calendar day begins in the zone, as RFC 3339. Tries the offsets that the zone has around it. */
export function startOfDay(day: string, zone: string): string {
  const utc = Date.parse(`${day}T00:00:00Z`);
  for (let offset = 14 * 60; offset >= -14 * 60; offset -= 15) {
    const instant = new Date(utc - offset * 60_000);
    if (instantText(instant, zone) === `${day} 00:00:00`) return instant.toISOString();
  }
  return new Date(utc).toISOString(); // a day whose midnight a clock change skips: the API takes any instant
}

export function yesterdayIn(zone: string, now: Date): string {
  return addDays(dayOf(now, zone), -1);
}
