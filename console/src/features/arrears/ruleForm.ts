// SPDX-License-Identifier: Apache-2.0
// A rule and a year's days off as people type them.
import type { DayOff, RuleEntry } from "./calls";

export interface RuleText { warnDays: string; closeDays: string; graceDays: string; leastCny: string; mostClosings: string }

const WHOLE = /^\d{1,6}$/;

/** Null where it is no rule. */
export function ruleOf(text: RuleText): Omit<RuleEntry, "reason"> | null {
  const warn = text.warnDays.trim() === "" ? [] : text.warnDays.split(/[,，]/).map((one) => one.trim());
  const least = /^(\d{1,9})(?:\.(\d{1,2}))?$/.exec(text.leastCny.trim());
  const close = text.closeDays.trim();
  if (!warn.every((one) => WHOLE.test(one)) || least === null || !WHOLE.test(text.graceDays.trim()) || !WHOLE.test(text.mostClosings.trim()) || (close !== "" && !WHOLE.test(close))) return null;
  const days = warn.map(Number);
  const leastFen = Number(least[1]) * 100 + Number((least[2] ?? "").padEnd(2, "0"));
  const last = days.at(-1);
  const rises = days.every((day, place) => day > (days[place - 1] ?? 0));
  if (!rises || leastFen < 1 || Number(text.graceDays) < 1 || (close !== "" && (last === undefined || Number(close) <= last))) return null;
  return { warn_days: days, close_days: close === "" ? null : Number(close), grace_days: Number(text.graceDays), least_fen: leastFen, most_closings: Number(text.mostClosings) };
}

/** A day a line: `2027-01-01 休 元旦`. The number of the first line that cannot be read instead. */
export function daysOf(text: string): DayOff[] | number {
  const found: DayOff[] = [];
  for (const [place, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const parts = /^\s*(\d{4}-\d{2}-\d{2})\s+(休|班|off|work)(?:\s+(.{0,40}?))?\s*$/.exec(line);
    if (parts === null) return place + 1;
    found.push({ day: parts[1] ?? "", is_off: parts[2] === "休" || parts[2] === "off", name: parts[3] ?? "" });
  }
  return found;
}

export const textOf = (days: readonly DayOff[], isChinese: boolean): string =>
  days.map((one) => `${one.day} ${one.is_off ? (isChinese ? "休" : "off") : isChinese ? "班" : "work"} ${one.name}`.trimEnd()).join("\n");
