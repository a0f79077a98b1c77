// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { capacityFault, type CapacityLine } from "./capacity";

const line = (changed: Partial<CapacityLine> = {}): CapacityLine => ({ network: "", ce0_per_min: "400", ce1_per_min: "200", ce2_per_min: "50", ...changed });

describe("what cells carry", () => {
  it("is said once for each network, in numbers, and less the worse the coverage", () => {
    expect(capacityFault([line(), line({ network: "46000" })])).toBeNull();
    expect(capacityFault([line(), line({ network: "4600" })])).toEqual({ line: 2, why: "network" });
    expect(capacityFault([line(), line()])).toEqual({ line: 2, why: "twice" });
    expect(capacityFault([line({ ce1_per_min: "0" })])).toEqual({ line: 1, why: "number" });
    expect(capacityFault([line({ ce2_per_min: "300" })])).toEqual({ line: 1, why: "order" });
  });
});
