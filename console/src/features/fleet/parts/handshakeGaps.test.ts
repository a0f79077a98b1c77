// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { words } from "@/features/fleet/words";
import { HANDSHAKE_GAPS, allowedGaps, changedGaps, newlyAllowed } from "./handshakeGaps";

const none = { allow_cbc: false, allow_no_ems: false };

describe("what modules may lack", () => {
  it("sends only what was changed, and asks again only for what is switched on", () => {
    expect(changedGaps(none, none)).toEqual({});
    expect(changedGaps(none, { ...none, allow_cbc: true })).toEqual({ allow_cbc: true });
    expect(newlyAllowed(none, { allow_cbc: true, allow_no_ems: true })).toEqual(["allow_cbc", "allow_no_ems"]);
    expect(newlyAllowed({ ...none, allow_cbc: true }, { allow_cbc: false, allow_no_ems: true })).toEqual(["allow_no_ems"]);
    expect(allowedGaps({ allow_cbc: true, allow_no_ems: false })).toEqual(["allow_cbc"]);
  });

  it("says the risk of each in both languages", () => {
    for (const gap of HANDSHAKE_GAPS) {
      const { title, risk } = words.catalog.gaps[gap];
      for (const text of [...title, ...risk]) expect(text.length).toBeGreaterThan(5);
      expect(risk[0]).toContain("风险");
      expect(risk[1]).toContain("Risk");
    }
  });
});
