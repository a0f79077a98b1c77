// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { chargingOf } from "./serverForm";

const text = { accounts: "12，7 12", since: "2026-11-30", warnCny: "20", limitCny: "" };

describe("charging at the server", () => {
  it("takes accounts once, and levels in fen", () => {
    expect(chargingOf(text)).toEqual({ account_ids: [12, 7], since_day: "2026-11-30", warn_fen: 2000, limit_fen: 0 });
    expect(chargingOf({ ...text, warnCny: "-5.5", limitCny: "10" })).toMatchObject({ warn_fen: -550, limit_fen: 1000 });
  });
  it.each([{ accounts: "" }, { accounts: "7,x" }, { since: "30.11." }, { warnCny: "" }, { warnCny: "1.234" }, { limitCny: "x" }, { warnCny: "-1" }])("refuses %o", (wrong) => {
    expect(chargingOf({ ...text, ...wrong })).toBeNull();
  });
});
