// SPDX-License-Identifier: Apache-2.0
// What an import job says of itself.
import type { Schemas } from "@/api/typed";

type Job = Schemas["Job"];

export const COUNTS = [
  "rows", "inserted", "updated", "moved", "unchanged", "to_hang", "withdrawn", "put_back", "rejected", "errors", "areas_created", "areas_removed", "customers", "kept_customers",
] as const;
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

/** How a finished import came out: a file that was refused is not finished, and a preview wrote nothing on purpose. */
export function cameOut(job: Job): "running" | "previewed" | "written" | "rejected" | "failed" | "cancelled" {
  if (!isOver(job)) return "running";
  if (job.status === "failed" || job.status === "cancelled") return job.status;
  if (job.params.preview === true) return "previewed";
  return wasApplied(job) ? "written" : "rejected";
}

/** Of an import that was taken back: how many of its rows stay. */
export function undoneOf(job: Job): { left: number } | null {
  const undone = job.result?.undone;
  return typeof undone === "object" && undone !== null && "left" in undone ? { left: Number(undone.left) } : null;
}

/** Whether an import wrote something that may still be taken back; the server has the last word. */
export function isUndoable(job: Job): boolean {
  if (cameOut(job) !== "written" || Number(job.result?.inserted ?? 0) + Number(job.result?.updated ?? 0) === 0) return false;
  const undone = undoneOf(job);
  return undone === null || undone.left > 0;
}

export interface PreviewedRow {
  row: number;
  number: string;
  outcome: "new" | "changed" | "unchanged" | "rejected";
  product: string;
  area: string;
  address: string;
  column: string;
  value: string;
  reason_zh: string;
  reason_en: string;
}

/** What would become of the first rows, as a preview told it. */
export function firstRows(job: Job): PreviewedRow[] {
  const first = job.result?.first;
  return Array.isArray(first) ? (first as PreviewedRow[]) : [];
}
