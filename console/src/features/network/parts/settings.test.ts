// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { changesOf, contentOf, shownValue, valueOf } from "./settings";
import type { GatewayParameter } from "@/features/network/calls";

function parameter(name: string, form: GatewayParameter["form"], value: GatewayParameter["value"]): GatewayParameter {
  return { name, form, title_zh: name, title_en: name, unit: "", low: 1, high: 10, least: 0, most: 3, words: [], needs_second: false, value };
}

it("reads what was typed by the parameter's form", () => {
  expect(valueOf({ form: "int" }, " 5 ")).toBe(5);
  for (const bad of ["", "5.5", "5 6", "five", "1e3"]) expect(valueOf({ form: "int" }, bad)).toBeNull();
  expect(valueOf({ form: "ints" }, "1, 2，3")).toEqual([1, 2, 3]);
  expect(valueOf({ form: "ints" }, "")).toEqual([]);
  expect(valueOf({ form: "ints" }, "1, x")).toBeNull();
  expect(valueOf({ form: "word" }, "debug")).toBe("debug");
});

it("sends only what is not as the gateway has it", () => {
  const all = [parameter("tries", "int", 3), parameter("relays", "ints", [1, 2]), parameter("log_level", "word", "info"), parameter("probe_s", "int", 30)];
  const typed = { tries: "3", relays: "1,2, 4", log_level: "debug", probe_s: "soon" };
  expect(changesOf(all, typed)).toEqual({ values: { relays: [1, 2, 4], log_level: "debug" }, wrong: ["probe_s"] });
  expect(shownValue([1, 2])).toBe("1, 2");
  expect(contentOf({ parameters: { tries: 5, relays: [1] } }, (name) => name.toUpperCase())).toEqual(["TRIES = 5", "RELAYS = 1"]);
});
