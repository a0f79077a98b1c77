// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { simLines } from "./simDifference";

const sim = { imsi: "460040000000001", iccid: "89860440000000000012", seen_imsi: "", seen_iccid: "" };
const differs = (seen_imsi: string, seen_iccid: string, registered = sim) => simLines({ ...registered, seen_imsi, seen_iccid }).map((line) => line.differs);

describe("SIM of a meter", () => {
  it("differs only where both sides are known", () => {
    expect(differs("", "")).toEqual([false, false]);
    expect(differs("460040000000002", "", { ...sim, imsi: "" })).toEqual([false, false]);
    expect(differs("460040000000002", "89860440000000000012")).toEqual([true, false]);
  });
  it("knows an ICCID without its check digit", () => {
    expect(differs("", "8986044000000000001")).toEqual([false, false]);
    expect(differs("", "8986044000000000002")).toEqual([false, true]);
    expect(differs("", "89860440000000000013")).toEqual([false, true]);
  });
});
