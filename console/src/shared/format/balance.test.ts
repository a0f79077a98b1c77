// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { balanceText } from "./balance";

it("shows a balance in the unit its kind says and in no other", () => {
  expect(balanceText(1205, 0, "?")).toBe("¥12.05");
  expect(balanceText(-5, 0, "?")).toBe("−¥0.05");
  expect(balanceText(12_345, 1, "?")).toBe("12.345 m³");
  expect(balanceText(12_345, null, "(unit not known)")).toBe("12\u202f345 (unit not known)");
  expect([balanceText(0, 2, "?"), balanceText(null, 0, "?")]).toEqual(["—", "—"]);
});
