// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { clockOf, filledIn, isSecret, minuteOf } from "./channelFields";

describe("fields of channels", () => {
  it("leave out what is empty, so that a secret stays", () => {
    expect(filledIn("webhook", { url: " https://a.test ", secret: "", colour: "red" })).toEqual({ url: "https://a.test" });
  });
  it("hide what opens a robot", () => {
    expect([isSecret("wecom", "url"), isSecret("webhook", "url"), isSecret("email", "password")]).toEqual([true, false, true]);
  });
  it("write minutes as a clock and read them back", () => {
    expect([clockOf(0), clockOf(435), clockOf(null), minuteOf("23:59"), minuteOf("24:00"), minuteOf("")]).toEqual(["00:00", "07:15", "", 1439, null, null]);
  });
});
