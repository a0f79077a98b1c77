// SPDX-License-Identifier: Apache-2.0
// A group of findings as the address has it: `meter:17`, `area:3` or `day:2026-11-01`.
import { computed, type Ref } from "vue";
import type { ExceptionGroup, GroupBy, ReadingException } from "@/features/readings/calls";
import { useAreaText } from "@/features/fleet/choices";

export const GROUPINGS = ["meter", "area", "day"] as const satisfies readonly GroupBy[];

/** What the address holds of a group. */
export function groupKey(by: GroupBy, group: ExceptionGroup): string {
  return `${by}:${String(by === "meter" ? group.meter_id : by === "area" ? group.area_id : group.day)}`;
}

/** The filter of the list for it; none where the text is no group. */
export function groupFilter(text: string): { meter_id?: number; area_id?: number; day?: string } {
  const [by, value = ""] = text.split(":");
  if (by === "meter" && /^[1-9]\d*$/.test(value)) return { meter_id: Number(value) };
  if (by === "area" && /^[1-9]\d*$/.test(value)) return { area_id: Number(value) };
  if (by === "day" && /^\d{4}-\d\d-\d\d$/.test(value)) return { day: value };
  return {};
}

/** What a group is called; '' where there is none. A meter is known by its number once a finding of it is there. */
export function useGroupText(group: Ref<string>, rows: () => readonly ReadingException[]) {
  const area = computed(() => String(groupFilter(group.value).area_id ?? ""));
  const { text: areaText } = useAreaText(area);
  return {
    text: computed(() => {
      const { meter_id, day } = groupFilter(group.value);
      if (meter_id !== undefined) return rows()[0]?.number ?? String(meter_id);
      return day ?? areaText.value;
    }),
  };
}
