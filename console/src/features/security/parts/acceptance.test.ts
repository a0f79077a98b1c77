// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { acceptBody, emptyAcceptance, isComplete } from "./acceptance";

describe("registering an unknown terminal", () => {
  it("asks for number, product, area and day, and sends no IMEI of its own", () => {
    const form = emptyAcceptance("2026-05-01");
    expect(isComplete(form)).toBe(false);
    Object.assign(form, { number: " 7 ", product_id: "2", area_id: "3", address: " x " });
    expect(isComplete(form)).toBe(true);
    expect(acceptBody(form)).toMatchObject({ number: "7", product_id: 2, area_id: 3, installed_on: "2026-05-01", address: "x" });
    expect(acceptBody(form)).not.toHaveProperty("imei");
  });
});
