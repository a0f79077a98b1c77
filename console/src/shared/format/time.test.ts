// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { addDays, dayFrom, dayOf, instantText, startOfDay, yearBefore, yesterdayIn } from "./time";

describe("a year before", () => {
  it("is the same calendar day, the 28th for a leap day", () => {
    expect(yearBefore("2026-03-01")).toBe("2025-03-01");
    expect(yearBefore("2028-02-29")).toBe("2027-02-28");
  });
});

describe("instants", () => {
  it("are shown in the tenant's zone", () => {
    expect(instantText("2026-04-30T23:30:00Z", "Asia/Shanghai")).toBe("2026-05-01 07:30:00");
    expect(instantText("2026-04-30T16:00:00Z", "Asia/Shanghai")).toBe("2026-05-01 00:00:00");
    expect(instantText(null, "Asia/Shanghai")).toBe("");
    expect(instantText("no instant", "Asia/Shanghai")).toBe("");
  });

  it("count days by the calendar, through months and leap years", () => {
    expect(addDays("2028-03-01", -1)).toBe("2028-02-29");
    expect(addDays("2026-12-31", 1)).toBe("2027-01-01");
    expect(dayOf(new Date("2026-04-30T23:30:00Z"), "Asia/Shanghai")).toBe("2026-05-01");
    expect(yesterdayIn("Asia/Shanghai", new Date("2026-04-30T23:30:00Z"))).toBe("2026-04-30");
  });
});

describe("a day that was written", () => {
  it("is read with the year first, and in no other order", () => {
    expect(["2026-05-01", "2026/5/1", " 2026.05.01 ", "20260501"].map(dayFrom)).toEqual(Array(4).fill("2026-05-01"));
    expect(["05/01/2026", "1.5.2026", "2026-13-01", "2026-02-29", "2026-05", "", "yesterday"].map(dayFrom)).toEqual(Array(7).fill(null));
  });
});

describe("start of a day", () => {
  it("is local midnight, in summer and in winter time", () => {
    expect(startOfDay("2026-05-01", "Asia/Shanghai")).toBe("2026-04-30T16:00:00.000Z");
    expect(startOfDay("2026-03-29", "Europe/Madrid")).toBe("2026-03-28T23:00:00.000Z");
    expect(startOfDay("2026-03-30", "Europe/Madrid")).toBe("2026-03-29T22:00:00.000Z");
    expect(startOfDay("2026-01-01", "America/St_Johns")).toBe("2026-01-01T03:30:00.000Z");
  });
});
