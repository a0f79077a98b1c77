// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { readFileSync } from "node:fs";
import { names } from "@/features/command/names";
import { canCancel, hasEnded, STATES, stationsOf } from "./life";

describe("the life of a command", () => {
  const at = "2026-11-24T00:00:00Z";
  it("has the server's states, each named and explained", () => {
    const openapi = JSON.parse(readFileSync("../docs/reference/openapi.json", "utf8")) as { components: { schemas: { State: { enum: string[] } } } };
    expect([...STATES].sort()).toEqual([...openapi.components.schemas.State.enum].sort());
    for (const state of STATES) expect([names.states[state], names.meanings[state]]).not.toContain(undefined);
  });
  it("shows the stations past, present and to come", () => {
    expect(stationsOf({ state: "sent", serial: 1, sent_at: at, delivered_at: null }).map((one) => one.mark)).toEqual(["past", "past", "past", "here", "ahead", "ahead"]);
    expect(stationsOf({ state: "quarantined", serial: null, sent_at: null, delivered_at: null }).map((one) => one.state)).toEqual(["drafted", "quarantined", "approved", "queued", "sent", "delivered", "confirmed"]);
    expect(stationsOf({ state: "failed", serial: 1, sent_at: at, delivered_at: null }).map((one) => `${one.state} ${one.mark}`)).toEqual(["drafted past", "approved past", "queued past", "sent past", "failed bad"]);
  });
  it("can be called off until it was sent", () => {
    expect(STATES.filter(canCancel)).toEqual(["drafted", "quarantined", "approved", "queued"]);
    expect(STATES.filter(hasEnded)).toEqual(["confirmed", "failed", "expired", "cancelled"]);
  });
});
