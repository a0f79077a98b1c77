// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { CommandParameter } from "@/features/command/calls";
import { settingsOf } from "./settings";

const settings = (["none", "reach", "money", "valve"] as const).map((effect): CommandParameter => (
  { name: effect, form: "int", unit: "", low: 0, high: 1, title_zh: effect, title_en: effect, default: 0, most: 1, effect }
));

describe("settings of a kind", () => {
  it("are those of its effect, and all where it only reads", () => {
    const names = (kind: string) => settingsOf(kind, settings).map((one) => one.name);
    expect(names("set_parameters")).toEqual(["none", "reach"]);
    expect(names("set_signed_parameters")).toEqual(["money", "valve"]);
    expect(names("read_parameters")).toEqual(["none", "reach", "money", "valve"]);
  });
});
