// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { choiceText, inForce, without, type Chip } from "./filters";

const chips: readonly Chip[] = [
  { key: "q", label: "Search", text: "张" },
  { key: "area", label: "Area", text: "" },
  { key: "status", label: "Status", text: "open", all: "all" },
];

describe("filters in force", () => {
  it("are those that narrow the list", () => {
    expect(inForce(chips).map(({ key }) => key)).toEqual(["q", "status"]);
  });
  it("end one by one or all at once, from the first page on, and leave the rest of the address", () => {
    const query = { q: "张", status: "open", sort: "-number", cursor: "abc", tab: "x" };
    expect(without(query, chips.slice(0, 1), "cursor")).toEqual({ status: "open", sort: "-number", tab: "x" });
    expect(without(query, inForce(chips), "cursor")).toEqual({ status: "all", sort: "-number", tab: "x" });
  });
  it("are told in words, or as they stand where there are none", () => {
    expect(choiceText([{ value: "3", text: "North" }], "3")).toBe("North");
    expect(choiceText([], "7")).toBe("7");
    expect(choiceText([{ value: "3", text: "North" }], "")).toBe("");
  });
});
