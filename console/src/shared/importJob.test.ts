// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { Schemas } from "@/api/typed";
import { cameOut, countsOf, firstRows, isOver, percentDone, wasApplied } from "./importJob";

type Job = Schemas["Job"];

describe("import job", () => {
  const job: Job = { job_id: 1, kind: "meter_import", status: "running", done: 50, total: 200, error: "", params: {}, result: null, created_at: "", created_by: 1, started_at: null, finished_at: null };
  it("tells how far it is", () => {
    expect([percentDone(job), percentDone({ ...job, total: 0 }), percentDone({ ...job, status: "done", done: 0 })]).toEqual([25, null, 100]);
    expect([isOver(job), isOver({ ...job, status: "failed" })]).toEqual([false, true]);
  });
  it("tells what came out", () => {
    const over: Job = { ...job, status: "done", result: { rows: 3, inserted: 0, errors: 2, applied: false } };
    expect(countsOf(over)).toEqual([{ name: "rows", count: 3 }, { name: "errors", count: 2 }]);
    expect(wasApplied(over)).toBe(false);
    expect([cameOut(job), cameOut(over), cameOut({ ...over, params: { preview: true } }), cameOut({ ...over, result: { applied: true } }), cameOut({ ...job, status: "failed" })]).toEqual([
      "running", "rejected", "previewed", "written", "failed",
    ]);
    expect(firstRows(over)).toEqual([]);
  });
});
