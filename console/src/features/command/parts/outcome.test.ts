// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { names } from "@/features/command/names";
import { adviceOf, cameAtLast, cameOf, cameOfAll } from "./outcome";

describe("how an act came out", () => {
  it("is success only for what was let go", () => {
    expect(["", "authorised", "needs_approval", "quarantined", "refused", "stopped", "unknown", "of_a_newer_server"].map(cameOf)).toEqual(["done", "done", "partly", "partly", "failed", "failed", "failed", "failed"]);
  });
  it("is partly for a batch of which some was refused", () => {
    expect([cameOfAll({ authorised: 3 }), cameOfAll({ authorised: 3, refused: 1 }), cameOfAll({ refused: 2, stopped: 1 }), cameOfAll({}), cameOfAll({ authorised: 3, refused: 0 })]).toEqual(["done", "partly", "failed", "done", "done"]);
  });
  it("becomes final with the meter's word", () => {
    expect((["drafted", "sent", "asking", "confirmed", "failed", "expired", "cancelled"] as const).map(cameAtLast)).toEqual([null, null, null, "done", "failed", "failed", "partly"]);
  });
  it("says what to do, for every reason and verdict", () => {
    for (const reason of [...Object.keys(names.why), "something new"]) expect(Object.keys(names.advice), reason).toContain(adviceOf(reason));
    expect([adviceOf("has_credit", "refused"), adviceOf("", "stopped"), adviceOf("", "refused"), adviceOf("new_code,quota_zone")]).toEqual(["credit", "stopped", "look", "quota"]);
  });
});
