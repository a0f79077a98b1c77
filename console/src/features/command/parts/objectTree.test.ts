// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { MeterObjects, ObjectDefinition, ObjectValue } from "@/features/command/calls";
import { ageOf, noted, observed, readable, rowsOf, wireText } from "./objectTree";

const value = (path: string, text: string, type = "integer"): ObjectValue => ({ path, type, value: text, attributes: "", at: null });
const device: ObjectDefinition = {
  object_id: 3,
  urn: "urn:oma:lwm2m:oma:3:1.2",
  title_zh: "设备",
  title_en: "Device",
  resources: [{ resource_id: 9, operations: "R", type: "integer", unit: "/100", many: false, title_zh: "电池电量", title_en: "Battery Level", changeable: false }],
};
const meter: MeterObjects = {
  endpoint: "urn:imei:860000000000001", version: "1.1", binding: "U", queue_mode: true, lifetime_s: 86400, registered_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z", heard_at: null, awake: false, node: 1,
  objects: [{ object_id: 3, version: "", instances: [0] }, { object_id: 31000, version: "", instances: [1] }],
  observations: [{ path: "/3/0/9", at: "2026-01-01T00:00:10Z", values: [value("/3/0/9", "88")] }],
};

describe("objects of a meter", () => {
  it("keep the value that was learned last, whatever came first", () => {
    const book = observed(noted(new Map(), [value("/3/0/9", "91")], "2026-01-01T00:00:05Z"), meter);
    expect(book.get("/3/0/9")?.value).toBe("88");
    expect(noted(book, [value("/3/0/9", "70")], "2026-01-01T00:00:01Z").get("/3/0/9")?.value).toBe("88");
  });
  it("show what nobody defined once it was read, and several instances in one cell", () => {
    const book = noted(new Map(), [value("/31000/1/5", "x", "string"), value("/3/0/11/0", "1"), value("/3/0/11/1", "6")], "2026-01-01T00:00:00Z");
    const [first, second] = rowsOf(meter, [device], book);
    expect(first?.instances[0]?.resources.map((row) => [row.id, row.known?.value, row.observed])).toEqual([[9, undefined, true], [11, "0: 1, 1: 6", false]]);
    expect(second?.instances[0]?.resources.map((row) => row.path)).toEqual(["/31000/1/5"]);
  });
});

describe("a typed value", () => {
  it("is sent only in the form of its type", () => {
    expect(wireText("integer", " 12 ", "UTC")).toBe("12");
    expect(wireText("integer", "1.5", "UTC")).toBeNull();
    expect(wireText("unsigned", "-1", "UTC")).toBeNull();
    expect(wireText("float", "1.500", "UTC")).toBe("1.500");
    expect(wireText("boolean", "true", "UTC")).toBe("1");
    expect(wireText("boolean", "maybe", "UTC")).toBeNull();
    expect(wireText("time", "2026-01-01T00:00:00Z", "Asia/Shanghai")).toBe("1767225600");
    expect(wireText("time", "2026-01-01 08:00:30", "Asia/Shanghai")).toBe("1767225630"); // the utility's clock, whatever the browser's is
    expect(wireText("time", "2026-01-01 08:00+02:00", "Asia/Shanghai")).toBe("1767247200");
    expect(wireText("time", "soon", "Asia/Shanghai")).toBeNull();
    expect(wireText("string", " as it is ", "UTC")).toBe(" as it is ");
  });
});

describe("an age", () => {
  it("has one unit, and none is negative", () => {
    const now = Date.parse("2026-01-03T00:00:00Z");
    expect(ageOf("2026-01-03T00:00:09Z", now)).toEqual([0, "s"]);
    expect(ageOf("2026-01-02T23:58:30Z", now)).toEqual([90, "s"]);
    expect(ageOf("2026-01-02T22:30:00Z", now)).toEqual([90, "min"]);
    expect(ageOf("2025-12-20T00:00:00Z", now)).toEqual([14, "d"]);
  });
  it("comes with a time that can be read", () => {
    expect(readable({ value: "1767225600", type: "time", at: "" }, "Asia/Shanghai")).toBe("2026-01-01 08:00:00");
    expect(readable({ value: "1767225600", type: "integer", at: "" }, "Asia/Shanghai")).toBe("1767225600");
  });
});
