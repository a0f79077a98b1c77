// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { changesBetween } from "./auditChanges";

describe("changes of an audit entry", () => {
  it("are the fields that differ", () => {
    expect(changesBetween({ name: "a", role: "viewer", tags: [1] }, { name: "a", role: "operator", tags: [1, 2] })).toEqual([
      { field: "role", before: "viewer", after: "operator" },
      { field: "tags", before: "[1]", after: "[1,2]" },
    ]);
  });
  it("are everything of what is new or gone, and nothing of what is no object", () => {
    expect(changesBetween(null, { name: "a" })).toEqual([{ field: "name", before: "—", after: "a" }]);
    expect(changesBetween({ name: "a" }, null)).toEqual([{ field: "name", before: "a", after: "—" }]);
    expect(changesBetween(null, "text")).toEqual([]);
  });
});
