// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { impactKey, warningsOf } from "./impact";

describe("what a command does", () => {
  const customer = { customer_id: 1, code: "c", name: "n", phone: "", address: "", is_protected: true, is_critical: true };
  const state = { balance: 500, events: [] } as never;
  it("warns where the module may be another meter's", () => {
    const strange = { balance: 0, events: ["module_mismatch"] } as never;
    expect(warningsOf("top_up", { customer: null, state: strange, removed_on: null }, 3600)).toEqual(["mismatch"]);
    expect(warningsOf("read_now", { customer: null, state: strange, removed_on: null }, 3600)).toEqual([]);
  });
  it("warns of what the signer will refuse", () => {
    expect(warningsOf("valve_close", { customer, state, removed_on: null }, 3600)).toEqual(["protected", "critical", "credit"]);
    expect(warningsOf("valve_close", { customer: null, state: null, removed_on: null }, 73 * 3600)).toEqual(["tooLong", "creditUnknown"]);
    expect(warningsOf("valve_close", { customer: { ...customer, is_protected: false, is_critical: true }, state: { balance: 0, events: [] } as never, removed_on: null }, 3600)).toEqual(["critical"]);
    expect(warningsOf("valve_open", { customer, state, removed_on: null }, 3600)).toEqual([]);
    expect(warningsOf("set_parameters", { customer, state, removed_on: "2026-01-01" }, 3600)).toEqual(["removed"]);
  });
  it("says of a safety closing only what does stand against it: neither credit nor protection", () => {
    expect(warningsOf("safety_close", { customer, state, removed_on: null }, 3600)).toEqual([]);
    expect(warningsOf("safety_close", { customer: null, state: null, removed_on: "2026-01-01" }, 73 * 3600)).toEqual(["removed", "tooLong"]);
    expect(impactKey("safety_close", "gas")).toBe("safety_close.gas");
  });
  it("has a sentence for each kind", () => {
    expect([impactKey("valve_close", "gas"), impactKey("top_up", "water"), impactKey("read_now", "gas")]).toEqual(["valve_close.gas", "top_up", "other"]);
  });
});
