// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { policyOf, typedOf } from "@/features/command/parts/policy";

const POLICY = { remote_closing: false, office_from: 510, office_to: 1080, office_days: [0, 2, 6], daily_share_ppm: 12_345 };

describe("a utility's command policy", () => {
  it("is read back as it was shown", () => {
    expect(typedOf(POLICY)).toEqual({ remoteClosing: false, from: "08:30", to: "18:00", days: [true, false, true, false, false, false, true], share: "1.2345" });
    expect(policyOf(typedOf(POLICY))).toEqual({ policy: POLICY, fault: null });
  });

  it.each([
    [{ from: "8" }, "hours"],
    [{ from: "05:59" }, "hours"],
    [{ to: "22:01" }, "hours"],
    [{ to: "12:60" }, "hours"],
    [{ from: "12:00", to: "12:00" }, "order"],
    [{ share: "" }, "share"],
    [{ share: "100.1" }, "share"],
    [{ share: "-1" }, "share"],
  ])("with %o is refused as %s", (change, fault) => {
    expect(policyOf({ ...typedOf(POLICY), ...change })).toEqual({ policy: null, fault });
  });

  it("takes hours as a Chinese keyboard writes them", () => {
    expect(policyOf({ ...typedOf(POLICY), from: " 9：15 " }).policy?.office_from).toBe(555);
  });
});
