// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { Problem } from "@/api/problem";
import type { MeterDetail } from "@/features/fleet/calls";
import { faultsOf } from "@/shared/faults";
import { changesOf, emptyInputs, inputsOf, newMeter } from "./meterInputs";

const meter: MeterDetail = {
  meter_id: 7, number: "202600000001", product_id: 2, product_code: "W1", area_id: 3, area_name: "东区", imei: "490154203237518", imsi: "", iccid: "", dev_eui: null,
  bar_code: "", address: "人民路 1 号", kind: "meter", place: "well", dn: 20, qmax_l_h: 4000, installed_on: "2026-01-02", removed_on: null, expected_from: "2026-01-02", report_mode: "day", revision: 5, state: null, signs: [], tags: [],
  medium: "water", driver: "openmains/water-1", customer: null, customer_id: null, customer_code: null, customer_name: null, created_at: "2026-01-02T00:00:00Z",
};

describe("meter form", () => {
  it("sends only what was changed, and never the number", () => {
    expect(changesOf(meter, inputsOf(meter))).toEqual({});
    expect(changesOf(meter, { ...inputsOf(meter), number: "x", address: " 新街 3 号 ", dn: "" })).toEqual({ address: "新街 3 号", dn: 0 });
    expect(changesOf(meter, { ...inputsOf(meter), imei: " " })).toEqual({ imei: null });
  });
  it("sends the customer's flags apart, and never with a new meter", () => {
    const customer = { customer_id: 1, code: "c", name: "n", phone: "", address: "", is_protected: true, is_critical: false };
    const owned = { ...meter, customer, customer_id: 1 };
    expect(changesOf(owned, inputsOf(owned))).toEqual({});
    expect(changesOf(owned, { ...inputsOf(owned), is_protected: false, is_critical: true })).toEqual({ is_protected: false, is_critical: true });
    expect(Object.keys(newMeter(inputsOf(owned)))).not.toContain("is_critical");
  });
  it("makes a new meter of the texts", () => {
    expect(newMeter({ ...emptyInputs("2026-05-01"), number: " 1 ", product_id: "2", area_id: "3" })).toMatchObject({ number: "1", product_id: 2, area_id: 3, imei: null, dn: 0, place: "room", installed_on: "2026-05-01", expected_from: "2026-05-01" });
  });
  it("puts the server's words beside their fields", () => {
    const refused = new Problem(400, { errors: [{ pointer: "/imei", code: "wrong-format", detail: "格式不正确" }] });
    expect(faultsOf(refused)).toEqual({ imei: "格式不正确" });
    expect(faultsOf(new Error("other"))).toEqual({});
  });
});
