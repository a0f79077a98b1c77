// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { TracedField } from "@/api/types";
import type { FrameTrace } from "@/features/fleet/calls";
import { hexFault, traceFault } from "./traceFault";

function field(offset: number, length: number, name: string, value = "1"): TracedField {
  return { offset, length, name, raw_hex: "00".repeat(length), value };
}
function trace(length: number, ...fields: TracedField[]): FrameTrace {
  return { driver: "openmains/water-1", length, fields };
}

describe("pasted hex", () => {
  it("may hold white space and either case", () => {
    expect(hexFault("4F 57\n01\taB")).toBeNull();
  });
  it("tells the first character that is none, counted from 1", () => {
    expect(hexFault("4f 5g")).toEqual({ kind: "notHex", at: 5, found: "g" });
    expect(hexFault(" \n")).toEqual({ kind: "nothing" });
    expect(hexFault("4f5")).toEqual({ kind: "odd" });
  });
});

describe("fault of a frame", () => {
  it("is none when every byte is read and right", () => {
    expect(traceFault(trace(4, field(0, 2, "magic", "good"), field(2, 2, "crc", "good")))).toBeNull();
  });
  it("is the field the driver calls wrong, whatever the order of the fields", () => {
    const crc = field(2, 2, "crc", "wrong, dd2a expected");
    expect(traceFault(trace(4, crc, field(0, 2, "magic", "good")))).toEqual({ kind: "wrong", field: crc, index: 0 });
  });
  it("is where reading stopped, before a check sum that is wrong because of it", () => {
    expect(traceFault(trace(8, field(0, 3, "magic", "good"), field(6, 2, "crc", "wrong, 0 expected")))).toEqual({ kind: "unread", offset: 3 });
    expect(traceFault(trace(8, field(0, 3, "magic", "good")))).toEqual({ kind: "unread", offset: 3 });
    expect(traceFault(trace(2))).toEqual({ kind: "unread", offset: 0 });
    const surplus = [field(0, 2, "magic", "good"), field(2, 3, "surplus", ""), field(5, 2, "crc", "good")];
    expect(traceFault(trace(7, ...surplus))).toEqual({ kind: "unread", offset: 2 });
  });
  it("is the end of a frame that has no check sum: nothing says that it is whole", () => {
    expect(traceFault(trace(3, field(0, 1, "start", "68"), field(1, 2, "address", "12")))).toEqual({ kind: "short", offset: 3 });
  });
});
