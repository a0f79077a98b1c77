// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { partsOf, targetOf, taskOf, type TaskInputs } from "./taskText";

const t = (key: string, named?: Record<string, unknown>): string => (named === undefined ? key : `${key} ${JSON.stringify(named)}`);
const EMPTY: TaskInputs = { level: "company", area: "4", product: "5", meter: "6", first: "", last: "", frequency: "", need: "", remedy: "", limit: "", quantities: "" };

describe("a task", () => {
  it("says of whom it is and only what it says itself", () => {
    expect(targetOf({ level: "area", name: "城北" }, t)).toBe("tasks.levels.area 城北");
    expect(targetOf({ level: "company", name: "" }, t)).toBe("tasks.levels.company");
    expect(partsOf({ frequency: "ten_days", need: null, rereads_a_month: 0 }, t)).toEqual(["tasks.frequencies.ten_days", 'tasks.limit {"count":0}']);
  });
  it("leaves to the level above what is empty, and names only the target of its level", () => {
    expect(taskOf(EMPTY)).toMatchObject({ area_id: null, product_id: null, meter_id: null, frequency: null, rereads_a_month: null, quantities: null });
    expect(taskOf({ ...EMPTY, level: "product", limit: "0", quantities: "pressure，flow" })).toMatchObject({
      area_id: null, product_id: 5, rereads_a_month: 0, quantities: ["pressure", "flow"],
    });
  });
});
