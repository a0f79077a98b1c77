// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { foundIn, type PaletteEntry } from "./palette";

const entry = (key: string, text: string, also: string): PaletteEntry => ({ key, text, also, run: () => undefined });
const entries = [entry("import", "导入表具", "Import meters"), entry("meters", "表具", "Meters"), entry("due", "到期更换检定", "Due for exchange"), entry("out", "退出登录", "Sign out")];
const keys = (text: string): string[] => foundIn(entries, text).map((one) => one.key);

it("finds pages and acts by words of either language", () => {
  expect(keys("表具")).toEqual(["meters", "import"]); // what begins so comes first
  expect(keys("METERS imp")).toEqual(["import"]);
  expect(keys("sign")).toEqual(["out"]);
  expect([keys(""), keys("  "), keys("nothing like it")]).toEqual([[], [], []]);
});
