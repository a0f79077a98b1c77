// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { filledIn, PLATFORM_KINDS, PLATFORM_SECRETS, PLATFORM_SETTINGS, pushAddress } from "@/features/fleet/parts/operatorFields";
import { words } from "@/features/fleet/parts/operatorWords";

it("has a word for each field of each kind", () => {
  for (const kind of PLATFORM_KINDS) {
    expect(words.operators.kinds[kind]).toBeDefined();
    for (const field of [...PLATFORM_SETTINGS[kind], ...PLATFORM_SECRETS[kind]]) expect(words.operators.fields[field]).toBeDefined();
  }
});

it("takes what was filled in, and says where a secret belongs into the address", () => {
  expect(filledIn(["a", "b"], { a: " x ", b: "  ", c: "y" })).toEqual({ a: "x" });
  expect(pushAddress("ctwing", "https://us/1/2")).toBe("https://us/1/2?token=…");
  expect(pushAddress("iotda", "https://us/1/2")).toBe("https://us/1/2");
});
