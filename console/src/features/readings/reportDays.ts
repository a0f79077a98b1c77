// SPDX-License-Identifier: Apache-2.0
// The days of a span in one call: reading rate and volumes of each. A day is judged by its figures as due where those were kept.
import { useQuery } from "@tanstack/vue-query";
import type { MaybeRef } from "vue";
import { addDays } from "@/shared/format/time";
import { reportDays, type ReportDay, type ReportDaysQuery } from "./calls";
import type { Figures } from "./judged";

export function useReportDays(last: string, days: number, figures: NonNullable<ReportDaysQuery["figures"]>, enabled: MaybeRef<boolean> = true) {
  const first = addDays(last, 1 - days);
  return useQuery({
    queryKey: ["report-days", first, last, figures],
    queryFn: ({ signal }) => reportDays({ first, last, figures }, signal),
    staleTime: 60_000,
    enabled,
  });
}

/** What a day is judged by; null where nothing is known of it. */
export function judgedDay(day: ReportDay): Figures | null {
  const found = day.as_due ?? day.total;
  return found === null || found.expected === 0 ? null : found;
}
