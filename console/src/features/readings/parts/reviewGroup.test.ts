// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import type { ExceptionGroup } from "@/features/readings/calls";
import { groupFilter, groupKey } from "./reviewGroup";

const group: ExceptionGroup = { findings: 2, meters: 1, first_day: "2026-11-01", last_day: "2026-11-01", rules: [], meter_id: 17, number: "x", area_id: 3, area_name: "A", day: "2026-11-01" };

it("filters the list by what the group was made of", () => {
  expect(groupFilter(groupKey("meter", group))).toEqual({ meter_id: 17 });
  expect(groupFilter(groupKey("area", group))).toEqual({ area_id: 3 });
  expect(groupFilter(groupKey("day", group))).toEqual({ day: "2026-11-01" });
});
it("filters by nothing where the address was written by hand", () => {
  for (const text of ["", "meter:", "meter:x", "area:0", "day:1", "week:2"]) expect(groupFilter(text)).toEqual({});
});
