// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { isAction, spanOf } from "@/features/fleet/parts/dueMonths";

it("a month is asked for by its first and last day", () => {
  expect(spanOf("2028-02")).toEqual({ first: "2028-02-01", last: "2028-02-29" });
  expect(spanOf("2026-12")).toEqual({ first: "2026-12-01", last: "2026-12-31" });
  expect(spanOf("unknown")).toEqual({ unknown: true });
  for (const other of ["", "2026-13", "x"]) expect(spanOf(other)).toEqual({});
  expect(isAction("verify") && !isAction("")).toBe(true);
});
