// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { badges, cappedText } from "./waiting";

describe("work that waits", () => {
  it("is summed at the entry of the navigation it belongs to, and says where it is more than was counted", () => {
    expect(badges(undefined)).toEqual({});
    const waiting = { most: 1000, alarms: [], groups: [], items: [{ queue: "approvals" as const, count: 2 }, { queue: "batches_stopped" as const, count: 1 }, { queue: "exceptions" as const, count: 1000 }] };
    expect(badges(waiting)).toEqual({ commands: "3", exceptions: "999+" });
    expect([cappedText(999, 1000), cappedText(1000, 1000)]).toEqual(["999", "999+"]);
  });
});
