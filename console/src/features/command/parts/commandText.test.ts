// SPDX-License-Identifier: Apache-2.0
// The same table as tests/app/command/test_wording.py of the server: console and files say one thing.
import { describe, expect, it } from "vitest";
import { paramsText } from "@/shared/format/params";
import { quantityText } from "@/shared/format/quantity";
import cases from "@/shared/format/wordingCases.json";
import { commandText } from "./commandText";

describe.each(["zh", "en"] as const)("words of commands in %s", (language) => {
  it.each(cases.quantities)("$name $value", (one) => {
    expect(quantityText(one.name, one.value, language, cases.zone, one.kind, one.exponent)).toBe(one[language]);
  });
  it.each(cases.commands)("$kind $params", (one) => {
    expect(commandText(one.kind, one.params, language, cases.zone, one.balance_kind)).toBe(one[language]);
  });
});

it("takes a top-up that says nothing of its kind for money, as the driver does", () => {
  expect(paramsText("top_up", { amount: 5 }, "en", "UTC", 1)).toBe("¥0.05");
});
