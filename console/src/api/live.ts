// SPDX-License-Identifier: Apache-2.0
// What comes over /api/v1/live, one JSON object a message: counters of each process once a second, alarms as they come.
import type { Severity } from "./types";

export interface LiveAlarm {
  meter_id: number;
  event: string;
  severity: Severity;
  action: "raised" | "cleared";
  /** Meter's clock, seconds since 1970 UTC. */
  raised_at: number;
  /** Edge's clock, microseconds since 1970 UTC. */
  received_us: number;
}

export interface LiveCounters {
  node: string;
  counters: Record<string, number>;
  per_second: Record<string, number>;
}

export type LiveMessage = { kind: "counters"; data: LiveCounters } | { kind: "alarm"; data: LiveAlarm };

/** The message in a frame's text; null for kinds this console does not know (a newer server). */
export function parseLive(text: string): LiveMessage | null {
  const message = JSON.parse(text) as { kind?: unknown };
  return message.kind === "counters" || message.kind === "alarm" ? (message as LiveMessage) : null;
}

export function liveUrl(): string {
  const { protocol, host } = window.location;
  return `${protocol === "https:" ? "wss:" : "ws:"}//${host}/api/v1/live`;
}
