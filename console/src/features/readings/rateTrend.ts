// SPDX-License-Identifier: Apache-2.0
// The collection report's totals of the last days. The API tells one day a call, so days are asked one after the other,
// newest first, each shown as it comes; a day that is over is asked once in a visit.
import { useQueryClient } from "@tanstack/vue-query";
import { onScopeDispose, ref } from "vue";
import { addDays } from "@/shared/format/time";
import { collectionReport, type CollectionRow } from "./calls";

export interface DayTotal {
  day: string;
  total: CollectionRow;
}

export function useRateTrend(lastDay: string, days: number) {
  const client = useQueryClient();
  const totals = ref<DayTotal[]>([]); // oldest first
  const error = ref<unknown>(null);
  const loading = ref(false);
  let gone = false;
  onScopeDispose(() => (gone = true));

  async function load(): Promise<void> {
    loading.value = true;
    error.value = null;
    totals.value = [];
    try {
      for (let back = 0; back < days && !gone; back += 1) {
        const day = addDays(lastDay, -back);
        const report = await client.fetchQuery({
          queryKey: ["collection", day, "area"],
          queryFn: ({ signal }) => collectionReport({ day, by: "area" }, signal),
          staleTime: back < 2 ? 60_000 : 3_600_000,
          gcTime: 3_600_000,
        });
        totals.value = [{ day, total: report.total }, ...totals.value];
      }
    } catch (fault) {
      error.value = fault;
    } finally {
      loading.value = false;
    }
  }
  void load();
  return { totals, error, loading, load };
}
