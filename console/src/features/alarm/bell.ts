// SPDX-License-Identifier: Apache-2.0
// What the bell in the frame shows, and what it tells the server is before a person's eyes: only what came while the page could be seen.
import type { LiveAlarmNews } from "@/api/live";
import type { Alarm, AlarmGroup, ShownAlarms } from "./calls";

/** An entry of the bell: an alarm that stands alone, or a group as it is. */
export interface BellEntry {
  alarmId: number | null;
  groupId: number | null;
  event: string;
  severity: string;
  number: string | null;
  members: number;
  version: number;
  /** Whether somebody was shown it as it stands. */
  seen: boolean;
}

export const MOST_ENTRIES = 50;

/** The entries after some news, the newest first: a group takes the place of itself, what is over or looked after leaves. */
export function withNews(entries: readonly BellEntry[], news: readonly LiveAlarmNews[]): BellEntry[] {
  let after = [...entries];
  for (const item of news) {
    if (item.news === "shown") continue; // to somebody, who does not look after it by that
    after = after.filter((entry) => entry.alarmId !== item.alarm_id || entry.groupId !== item.group_id);
    if (item.news !== "raised" && item.news !== "grouped" && item.news !== "reopened" && item.news !== "missed") continue;
    after.unshift({
      alarmId: item.alarm_id, groupId: item.group_id, event: item.event, severity: item.severity, number: item.number, members: item.members, version: item.version,
      seen: false,
    });
  }
  return after.slice(0, MOST_ENTRIES);
}

/** News of one meter's alarm that the pipeline told already when it came; what is over may be so by a person's act, which only the news tell. */
export function isToldBefore(item: LiveAlarmNews): boolean {
  return item.meter_id !== null && item.news === "raised";
}

/** The entries of what nobody looks after yet. */
export function standingOf(groups: readonly AlarmGroup[], alarms: readonly Alarm[]): BellEntry[] {
  return [
    ...groups.map((group) => ({ alarmId: null, groupId: group.group_id, event: group.event, severity: group.severity, number: null, members: group.members, version: group.version, seen: group.seen !== null && group.seen >= group.members })),
    ...alarms.map((alarm) => ({ alarmId: alarm.alarm_id, groupId: null, event: alarm.event, severity: alarm.severity, number: alarm.number, members: 1, version: 1, seen: alarm.seen_at !== null })),
  ];
}

/** What to tell the server of these entries. */
export function shownOf(entries: readonly BellEntry[]): ShownAlarms {
  return {
    alarms: entries.flatMap((entry) => (entry.alarmId === null ? [] : [entry.alarmId])),
    groups: entries.flatMap((entry) => (entry.groupId === null ? [] : [{ group_id: entry.groupId, version: entry.version }])),
  };
}
