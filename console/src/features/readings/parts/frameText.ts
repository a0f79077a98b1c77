// SPDX-License-Identifier: Apache-2.0
// What a line of the frame log says of a frame that went down: the server's codes that have words, and how bad an outcome is.
import type { Frame } from "@/features/readings/calls";

const OUTCOMES = new Set(["delivered", "lost", "not_sent", "sent"]);
const WHATS = new Set(["command", "answer", "read", "write", "execute", "discover", "observe", "cancel"]);

/** Key of the words for an outcome: what became of a frame, or why it could not be read. */
export function outcomeKey(frame: Pick<Frame, "direction" | "outcome">): string {
  if (frame.outcome === "partial" || frame.outcome === "held") return `frame_log.${frame.outcome}`;
  return frame.direction === "down" && OUTCOMES.has(frame.outcome) ? `frame_log.outcomes.${frame.outcome}` : `frame_log.faults.${frame.outcome}`;
}

/** Key of the words for what it was; null: nothing is said of it, or a newer server says more than we know. */
export function whatKey(frame: Pick<Frame, "what">): string | null {
  return WHATS.has(frame.what) ? `frame_log.whats.${frame.what}` : null;
}

/** Where it went; what it was stands beside it. */
export const placeText = (frame: Pick<Frame, "direction" | "path">): string => (frame.direction === "down" ? frame.path.split(";")[0] ?? "" : frame.path);

const FINE = new Set(["ok", "repeat", "delivered", "sent"]);
export const isBad = (frame: Pick<Frame, "outcome">): boolean => !FINE.has(frame.outcome);
