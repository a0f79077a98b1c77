// SPDX-License-Identifier: Apache-2.0
// The life of a command for the eye: the stations of the usual way, and where this one stands. The table is domain/command/life.py.
import type { Command, CommandState } from "@/features/command/calls";

export const STATES: readonly CommandState[] = ["drafted", "quarantined", "approved", "queued", "sent", "delivered", "asking", "confirmed", "failed", "expired", "cancelled"];
const WAY: readonly CommandState[] = ["drafted", "approved", "queued", "sent", "delivered", "confirmed"];
export const ENDS: readonly CommandState[] = ["confirmed", "failed", "expired", "cancelled"];

export interface Station {
  state: CommandState;
  mark: "past" | "here" | "ahead" | "bad";
}

export function hasEnded(state: CommandState): boolean {
  return ENDS.includes(state);
}

/** What was sent can not be called back. */
export function canCancel(state: CommandState): boolean {
  return state === "drafted" || state === "quarantined" || state === "approved" || state === "queued";
}

/** How far it came on the usual way, as a place in `WAY`. */
function reached(command: Pick<Command, "state" | "serial" | "sent_at" | "delivered_at">): number {
  const place = WAY.indexOf(command.state);
  if (place >= 0) return place;
  if (command.delivered_at !== null) return 4;
  if (command.sent_at !== null) return 3;
  if (command.serial !== null) return 2;
  return 0;
}

/** Stations up to the end; a state off the usual way (waits for a second person, asking, failed …) stands after the last one reached. */
export function stationsOf(command: Pick<Command, "state" | "serial" | "sent_at" | "delivered_at">): Station[] {
  const at = reached(command);
  if (WAY.includes(command.state)) return WAY.map((state, place) => ({ state, mark: place < at ? "past" : place === at ? "here" : "ahead" }));
  const before = WAY.slice(0, at + 1).map((state) => ({ state, mark: "past" as const }));
  if (hasEnded(command.state)) return [...before, { state: command.state, mark: "bad" }];
  return [...before, { state: command.state, mark: "here" }, ...WAY.slice(at + 1).map((state) => ({ state, mark: "ahead" as const }))];
}

/** Colour of a command's or a batch's state. */
export function toneOf(state: string): "good" | "critical" | "major" | "info" | "muted" {
  if (state === "confirmed" || state === "done") return "good";
  if (state === "failed" || state === "expired" || state === "stopped") return "critical";
  if (state === "quarantined" || state === "asking" || state === "paused") return "major";
  return state === "cancelled" || state === "drafted" || state === "waiting" ? "muted" : "info";
}
