// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { daysOf, ruleOf, textOf } from "./ruleForm";

const GOOD = { warnDays: "5, 15", closeDays: "30", graceDays: "7", leastCny: "10.5", mostClosings: "50" };

test("a rule is read exactly, and what is none is refused", () => {
  expect(ruleOf(GOOD)).toEqual({ warn_days: [5, 15], close_days: 30, grace_days: 7, least_fen: 1050, most_closings: 50 });
  expect(ruleOf({ ...GOOD, closeDays: "" })?.close_days).toBeNull();
  for (const wrong of [{ warnDays: "15,5" }, { warnDays: "" }, { closeDays: "15" }, { graceDays: "0" }, { leastCny: "0" }, { leastCny: "1.234" }, { warnDays: "x" }]) {
    expect(ruleOf({ ...GOOD, ...wrong })).toBeNull();
  }
});

test("days off come back as they were typed", () => {
  const text = "2027-01-01 休 元旦\n2027-01-03 班";
  const days = daysOf(`${text}\n\n`);
  expect(days).toEqual([{ day: "2027-01-01", is_off: true, name: "元旦" }, { day: "2027-01-03", is_off: false, name: "" }]);
  expect(typeof days === "number" ? "" : textOf(days, true)).toBe(text);
  expect(daysOf("2027-01-01 off New Year\nx")).toBe(2);
});
