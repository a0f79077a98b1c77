// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { CheckQuestion, IssuedMeter } from "@/features/field/calls";
import { checkFaults, emptyDraft, filesOf, formOf, installSteps, isBegun, pairOf, reopened } from "./installForm";

const issued: IssuedMeter[] = ["860000000000018", "860000000000026"].map((imei, place) => ({
  meter_id: place + 1, number: `N${String(place)}`, bar_code: `BC${String(place)}`, imei, medium: "gas", product: "G", decimals: 3, person: "王",
}));
const questions: CheckQuestion[] = [
  { name: "inlet_valve", rule: "yes", limit: 0, unit: "", media: ["gas"], zh: "阀", en: "valve" },
  { name: "fire_distance_cm", rule: "least", limit: 150, unit: "cm", media: ["gas"], zh: "距", en: "distance" },
  { name: "field_mt", rule: "most", limit: 20, unit: "mT", media: ["gas"], zh: "磁", en: "field" },
];

describe("installing", () => {
  it("is begun with any content, not with a code alone: pictures are not written over", () => {
    const empty = emptyDraft("k", "王");
    expect(isBegun(empty)).toBe(false);
    for (const given of [{ bar_code: "BC0" }, { account: "A1" }, { photos: [new Blob(["x"])] }, { signature: new Blob(["x"]) }, { answers: { inlet_valve: true } }, { register: "12" }, { reason: "why" }]) {
      expect(isBegun({ ...empty, ...given })).toBe(true);
    }
  });

  it("shows a pair that does not fit with both numbers, at once and without network", () => {
    expect(pairOf(issued, "", "")).toBeNull();
    expect(pairOf(issued, "nobody's", "")).toEqual({ unknown: true });
    expect(pairOf(issued, "BC0", "")).toEqual({ meter: issued[0] });
    expect(pairOf(issued, "N1", "8600 0000 0000 026")).toEqual({ meter: issued[1] });
    expect(pairOf(issued, "BC0", "860000000000026")).toEqual({ differs: { known: "860000000000018", given: "860000000000026 (N1)", number: "N0" } });
  });
  it("holds answers to the documents' limits", () => {
    const good = { inlet_valve: true, fire_distance_cm: "150", field_mt: "20" };
    expect(checkFaults(questions, good)).toEqual([]);
    expect(checkFaults(questions, {})).toEqual(["inlet_valve", "fire_distance_cm", "field_mt"]);
    for (const wrong of [{ inlet_valve: false }, { fire_distance_cm: "149" }, { field_mt: "21" }, { field_mt: "-1" }, { field_mt: "1.5" }, { field_mt: "" }]) {
      expect(checkFaults(questions, { ...good, ...wrong })).toEqual(Object.keys(wrong));
    }
  });
  it("becomes calls that each have a key of their own", () => {
    const draft = { ...emptyDraft("k", "王"), account: " 1001 ", answers: { inlet_valve: true, fire_distance_cm: "200", field_mt: "0" }, photos: [new Blob(["a"])], signature: new Blob(["b"]), reason: "新装" };
    const steps = installSteps(draft, issued[0] as IssuedMeter, questions);
    expect(steps.map((step) => step.url.split("?")[0])).toEqual(["/api/v1/installations", "/api/v1/site-visits", "/api/v1/site-photos", "/api/v1/site-photos"]);
    expect([...filesOf(draft).keys()]).toEqual(["k-p0", "k-s"]);
    expect(reopened(formOf(draft), filesOf(draft), "k2"), "opened again it is the same form under another key").toEqual({ ...draft, key: "k2" });
    expect(steps[0]?.body).toMatchObject({ key: "k", account_number: "1001", opening: { m3: "0", source: "photographed" }, at: "{at}" });
    expect(steps[1]?.body).toMatchObject({ key: "k-c", answers: { inlet_valve: true, fire_distance_cm: 200, field_mt: 0 } });
    expect(steps[3]?.url).toContain("purpose=signature");
  });
});
