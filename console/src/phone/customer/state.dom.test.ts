// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it, vi } from "vitest";
import { fenOf, intention, yuan } from "./state";

describe("amounts", () => {
  it("are exact, and never rounded", () => {
    expect(["1", "0.01", "12.3", " 7.05 ", "1000000"].map(fenOf)).toEqual([100, 1, 1230, 705, 100_000_000]);
    expect(["", "0", "0.001", "1e3", "-1", "1,5", "1000000.01"].map(fenOf)).toEqual([null, null, null, null, null, null, null]);
    expect([0, 5, 1230, -99].map(yuan)).toEqual(["0.00", "0.05", "12.30", "−0.99"]);
  });
});

describe("what was seen last", () => {
  it("is wiped when the session is over, with no network to say so", async () => {
    for (const [ends, kept] of [["2999-01-01T00:00:00Z", true], ["2001-01-01T00:00:00Z", false]] as const) {
      localStorage.setItem("openmains.my./session", JSON.stringify({ at: "", value: { utility: "u", zone: "UTC", customers: ["c"], expires_at: ends } }));
      localStorage.setItem("openmains.my./homes", JSON.stringify({ at: "", value: [] }));
      vi.resetModules();
      const again = await import("./state");
      expect([again.me.value !== null, localStorage.getItem("openmains.my./homes") !== null]).toEqual([kept, kept]);
    }
    localStorage.clear();
  });
});

describe("an intention", () => {
  it("keeps its key until it is answered or becomes another", () => {
    const act = intention();
    const first = act.key({ fen: 1 });
    expect(first).toMatch(/^[A-Za-z0-9_.-]{8,32}$/);
    expect(act.key({ fen: 1 })).toBe(first);
    const other = act.key({ fen: 2 });
    expect(other).not.toBe(first);
    act.over();
    expect(act.key({ fen: 2 })).not.toBe(other);
  });
});
