// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { bytesText } from "./bytes";
import { hexBytes } from "./hex";
import { percentText } from "./rate";
import { addDays, dayOf, instantText, startOfDay, yesterdayIn } from "./time";
import { countOf, decimalText, tenthsText, volumeText } from "./volume";

describe("volumes", () => {
  it("move the point and lose nothing", () => {
    expect(volumeText(0)).toBe("0.000");
    expect(volumeText(7)).toBe("0.007");
    expect(volumeText(1234567)).toBe("1\u202f234.567");
    expect(volumeText(-45)).toBe("−0.045");
    expect(volumeText(12, 0)).toBe("12");
    expect(volumeText(12, 2)).toBe("1\u202f200");
    expect(volumeText(9007199254740993n, -3)).toBe("9\u202f007\u202f199\u202f254\u202f740.993");
  });

  it("group decimal texts as they come", () => {
    expect(decimalText("1234567.089")).toBe("1\u202f234\u202f567.089");
    expect(decimalText("-12")).toBe("−12");
  });

  it("are read from what a person types, exactly or not at all", () => {
    expect([countOf("1.5", -3), countOf("1,500", -3), countOf(" 0 ", -3), countOf("0.0000", -3)]).toEqual([1500, 1500, 0, 0]);
    for (const bad of ["", "-1", "1.2345", "1e3", "1.", ".5", "1 000", "１"]) expect(countOf(bad, -3), bad).toBeNull();
    expect([countOf("120", 1), countOf("125", 1), countOf("7", 0), countOf("7.5", 0)]).toEqual([12, null, 7, null]);
  });

  it("write tenths exactly", () => {
    expect(tenthsText(-1053)).toBe("−105.3");
    expect(tenthsText(-3)).toBe("−0.3");
    expect(tenthsText(70)).toBe("7.0");
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

describe("start of a day", () => {
  it("is local midnight, in summer and in winter time", () => {
    expect(startOfDay("2026-05-01", "Asia/Shanghai")).toBe("2026-04-30T16:00:00.000Z");
    expect(startOfDay("2026-03-29", "Europe/Madrid")).toBe("2026-03-28T23:00:00.000Z");
    expect(startOfDay("2026-03-30", "Europe/Madrid")).toBe("2026-03-29T22:00:00.000Z");
    expect(startOfDay("2026-01-01", "America/St_Johns")).toBe("2026-01-01T03:30:00.000Z");
  });
});

describe("other texts", () => {
  it("never round a rate up", () => {
    expect(percentText(999_999)).toBe("99.99%");
    expect(percentText(1_000_000)).toBe("100.00%");
    expect(percentText(560)).toBe("0.05%");
  });
  it("show bytes", () => {
    expect(bytesText(999)).toBe("999 B");
    expect(bytesText(1_234_567)).toBe("1.23 MB");
    expect(hexBytes("0aFF")).toEqual(["0a", "FF"]);
  });
});
