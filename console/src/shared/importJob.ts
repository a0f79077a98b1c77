// SPDX-License-Identifier: Apache-2.0
// What an import job says of itself.
import type { Schemas } from "@/api/typed";

type Job = Schemas["Job"];

export const COUNTS = ["rows", "inserted", "updated", "moved", "unchanged", "rejected", "errors", "areas_created"] as const;
export type Count = (typeof COUNTS)[number];

/** Counts of a finished import that are not zero. */
export function countsOf(job: Job): { name: Count; count: number }[] {
  return COUNTS.map((name) => ({ name, count: Number(job.result?.[name] ?? 0) })).filter((entry) => entry.count > 0);
}

export function isOver(job: Job): boolean {
  return job.status === "done" || job.status === "failed" || job.status === "cancelled";
}

/** 0…100; null while the size is not known yet. */
export function percentDone(job: Job): number | null {
  if (job.status === "done") return 100;
  return job.total > 0 ? Math.min(100, Math.floor((job.done / job.total) * 100)) : null;
}

/** False where a file with errors was refused as a whole. */
export function wasApplied(job: Job): boolean {
  return job.result?.applied === true;
}
