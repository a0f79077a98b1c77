// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { CheckLine } from "./calls";
import { answersOf, keepTyped, numbersOf, partsOf, typedAnswers, typedWork, wordsOf } from "./orderText";

const line = (code: string, answer: CheckLine["answer"]): CheckLine => ({ code, title: code, title_en: code, answer, needed: true, unit: "", hazard: false });

describe("what is typed about an order", () => {
  it("is exact, or nothing at all", () => {
    expect(partsOf([{ name: " valve ", quantity: "1.5", unit: "m", price: "3.33" }, { name: "", quantity: "", unit: "", price: "" }])).toEqual([{ code: "", name: "valve", quantity_milli: 1500, unit: "m", fen: 333 }]);
    for (const bad of [{ quantity: "" }, { quantity: "0" }, { quantity: "1.2345" }, { price: "1.234" }, { price: "-1" }, { name: "" }]) {
      expect(partsOf([{ name: "valve", quantity: "1", unit: "", price: "1", ...bad }])).toBeNull();
    }
  });
  it("stays when the order comes again, and follows it where nothing was typed", () => {
    const before = { answers: { safe: true }, labour_min: 0, result: "", signer: "" };
    const typed = { ...typedWork(before), answers: { safe: "no", cause: "dirt" }, result: "cleaned" };
    expect(keepTyped(typed, before, before)).toEqual(typed); // a picture was added
    expect(keepTyped(typed, before, { answers: { safe: false, cause: "rust" }, labour_min: 20, result: "", signer: "Li" })).toEqual({ answers: { safe: "no", cause: "dirt" }, labour: "20", result: "cleaned", signer: "Li" });
    expect(keepTyped(typedWork(before), before, { ...before, answers: { safe: false, cause: "rust" } }).answers).toEqual({ safe: "no", cause: "rust" });
  });
  it("answers items by their type, and there and back is the same", () => {
    const lines = [line("safe", "yes_no"), line("dbm", "whole"), line("cause", "text")];
    const answers = answersOf(lines, { safe: "no", dbm: "-95", cause: " dirt " });
    expect(answers).toEqual({ safe: false, dbm: -95, cause: "dirt" });
    expect(answersOf(lines, typedAnswers(answers ?? {}))).toEqual(answers);
    expect(answersOf(lines, { dbm: "12.5" })).toBeNull();
    expect(answersOf(lines, { safe: "" })).toEqual({});
  });
  it("reads lists by commas of either kind", () => {
    expect(numbersOf("1，2, 3")).toEqual([1, 2, 3]);
    expect(numbersOf("1, x")).toBeNull();
    expect(wordsOf("gas, valve_work")).toEqual(["gas", "valve_work"]);
    expect(wordsOf("Gas")).toBeNull();
  });
});
