// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { LiveAlarmNews } from "@/api/live";
import { isToldBefore, MOST_ENTRIES, shownOf, standingOf, withNews } from "./bell";
import type { Alarm, AlarmGroup } from "./calls";

const news = (more: Partial<LiveAlarmNews>): LiveAlarmNews => ({
  news: "raised", alarm_id: 1, group_id: null, meter_id: 9, event: "magnetic", quantity: "", severity: "major", number: "12", members: 1, version: 1, received_us: 1, ...more,
});

describe("the bell", () => {
  it("shows the newest first, and tells the server what it shows", () => {
    const entries = withNews([], [news({}), news({ alarm_id: null, group_id: 5, news: "grouped", members: 40, version: 1 })]);
    expect(entries.map((entry) => entry.groupId ?? entry.alarmId)).toEqual([5, 1]);
    expect(shownOf(entries)).toEqual({ alarms: [1], groups: [{ group_id: 5, version: 1 }] });
  });
  it("knows what a list was told before: a meter's alarm that was raised, nothing of groups, persons or the network", () => {
    const told = [news({}), news({ news: "cleared" }), news({ alarm_id: null, group_id: 5, meter_id: null, news: "grouped" }), news({ news: "acknowledged" }), news({ meter_id: null })].map(isToldBefore);
    expect(told).toEqual([true, false, false, false, false]);
  });
  it("tells of what stands only what nobody was shown yet", () => {
    const alarm = { alarm_id: 3, event: "magnetic", severity: "major", number: "7" };
    const group = { group_id: 4, event: "magnetic", severity: "major", members: 40, version: 2 };
    const entries = standingOf([{ ...group, seen: 12 }] as AlarmGroup[], [{ ...alarm, seen_at: "2026-03-04T00:00:00Z" }, { ...alarm, alarm_id: 5, seen_at: null }] as Alarm[]);
    expect(entries.map((entry) => [entry.groupId ?? entry.alarmId, entry.seen])).toEqual([[4, false], [3, true], [5, false]]);
  });
  it("has a group once, as it grew", () => {
    const group = { alarm_id: null, group_id: 5, news: "grouped" };
    const entries = withNews(withNews([], [news({ ...group, members: 40 })]), [news({ ...group, members: 50, version: 2 })]);
    expect(entries.map((entry) => [entry.members, entry.version])).toEqual([[50, 2]]);
  });
  it("forgets what is over or looked after", () => {
    for (const over of ["cleared", "acknowledged", "dispatched"]) expect(withNews(withNews([], [news({})]), [news({ news: over })])).toEqual([]);
  });
  it("keeps what others were shown", () => {
    expect(withNews(withNews([], [news({})]), [news({ news: "shown" })]).map((entry) => entry.alarmId)).toEqual([1]);
  });
  it("holds no more than a person can see", () => {
    expect(withNews([], Array.from({ length: 90 }, (_, place) => news({ alarm_id: place }))).length).toBe(MOST_ENTRIES);
  });
});
