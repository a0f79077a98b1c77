// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import type { MonitorRow } from "@/features/fleet/calls";
import { staleCurves, withCurves } from "./monitorCurves";

const row = (id: number, seen: string | null): MonitorRow => ({ meter: { meter_id: id, state: seen === null ? null : { last_seen_at: seen } }, values: [], beyond: [], curves: [] }) as unknown as MonitorRow;

it("asks again for what said something since, and for nothing else", () => {
  const first = [row(1, "10:00"), row(2, "10:00"), row(3, null)];
  expect(staleCurves(first, new Map(), 24)).toEqual([1, 2, 3]);
  const known = withCurves(new Map(), first, 24, first);
  expect(staleCurves(first, known, 24)).toEqual([]);
  expect(staleCurves([row(1, "10:00"), row(2, "10:05"), row(3, null)], known, 24)).toEqual([2]);
  expect(staleCurves(first, known, 6)).toEqual([1, 2, 3]);
});
it("forgets what is on the page no more", () => {
  const known = withCurves(new Map(), [row(1, "a"), row(2, "a")], 24, [row(2, "a")]);
  expect([...known.keys()]).toEqual([2]);
});
