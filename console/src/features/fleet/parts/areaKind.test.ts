// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { kindText } from "./areaKind";

const kinds = [
  { kind_id: 1, code: "unit", name: "单元", name_en: "Unit", rank: 50 },
  { kind_id: 2, code: "own", name: "营业所", name_en: "", rank: 10 },
];

it("has the language's name, or the only one there is", () => {
  expect(kindText(kinds, 1, "zh")).toBe("单元");
  expect(kindText(kinds, 1, "en")).toBe("Unit");
  expect(kindText(kinds, 2, "en")).toBe("营业所");
  expect(kindText(kinds, null, "en")).toBe("—");
  expect(kindText(undefined, 1, "en")).toBe("—");
});
