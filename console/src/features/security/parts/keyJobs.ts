// SPDX-License-Identifier: Apache-2.0
// What key jobs say of themselves.
import type { Job } from "@/features/fleet/calls";

/** Both kinds in one list, newest first. */
export function mergedJobs(...lists: (readonly Job[] | undefined)[]): Job[] {
  return lists.flatMap((list) => list ?? []).sort((a, b) => b.job_id - a.job_id);
}

export function isRunning(job: Job): boolean {
  return job.status === "queued" || job.status === "running";
}

/** A finished generation that made keys; whether its file was taken already only the server knows. */
export function hasKeyFile(job: Job): boolean {
  return job.kind === "key_generate" && job.status === "done" && Number(job.result?.made ?? 0) > 0;
}

export function countOf(job: Job, name: string): number {
  return Number(job.result?.[name] ?? 0);
}
