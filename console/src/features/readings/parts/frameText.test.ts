// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { isBad, outcomeKey, placeText, whatKey } from "./frameText";

describe("a frame of the log", () => {
  it("says what went down and whether it arrived", () => {
    expect(outcomeKey({ direction: "down", outcome: "not_sent" })).toBe("frame_log.outcomes.not_sent");
    expect(outcomeKey({ direction: "up", outcome: "crc" })).toBe("frame_log.faults.crc");
    expect(outcomeKey({ direction: "up", outcome: "partial" })).toBe("frame_log.partial");
    expect(whatKey({ what: "command" })).toBe("frame_log.whats.command");
    expect(whatKey({ what: "" })).toBeNull();
    expect(placeText({ direction: "down", path: "19/1/0;command=valve_close" })).toBe("19/1/0");
    expect(placeText({ direction: "up", path: "19/0/0;ct=112" })).toBe("19/0/0;ct=112");
  });
  it("marks what did not arrive or could not be read", () => {
    expect(["ok", "repeat", "delivered", "sent", "lost", "not_sent", "crc"].map((outcome) => isBad({ outcome }))).toEqual([false, false, false, false, true, true, true]);
  });
});
