// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { Job } from "@/features/fleet/calls";
import { countOf, hasKeyFile, isRunning, mergedJobs } from "./keyJobs";

const job: Job = { job_id: 1, kind: "key_generate", status: "done", done: 3, total: 3, error: "", params: {}, result: { made: 3 }, created_at: "", created_by: 1, started_at: null, finished_at: null };

describe("key jobs", () => {
  it("are one list, newest first", () => {
    expect(mergedJobs([{ ...job, job_id: 5 }, job], undefined, [{ ...job, job_id: 3 }]).map((one) => one.job_id)).toEqual([5, 3, 1]);
  });
  it("offer a file only where keys were made", () => {
    expect([hasKeyFile(job), hasKeyFile({ ...job, result: { made: 0 } }), hasKeyFile({ ...job, status: "running" }), hasKeyFile({ ...job, kind: "key_import" })]).toEqual([true, false, false, false]);
    expect([isRunning(job), isRunning({ ...job, status: "queued" })]).toEqual([false, true]);
    expect(countOf({ ...job, result: null }, "made")).toBe(0);
  });
});
