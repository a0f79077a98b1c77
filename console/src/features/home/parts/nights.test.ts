// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { nightsAt } from "./nights";

describe("reports that matter now", () => {
  it("change at 08:00 of the tenant's zone", () => {
    expect(nightsAt(new Date("2026-05-09T23:59:59Z"), "Asia/Shanghai")).toEqual({ finished: "2026-05-08", running: "2026-05-09" });
    expect(nightsAt(new Date("2026-05-10T00:00:00Z"), "Asia/Shanghai")).toEqual({ finished: "2026-05-09", running: "2026-05-10" });
  });
});
