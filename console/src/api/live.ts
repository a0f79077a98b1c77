// SPDX-License-Identifier: Apache-2.0
// What comes over /api/v1/live, one JSON object a message: the tenant's messages as they are
// applied, alarms as they come, and counters of each process once a second for who runs the platform.
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

/** Messages of this tenant that have just been applied. */
export interface LiveApplied {
  count: number;
}

/** What is told of an alarm that stands alone, or of a group; a group tells itself again when members join. */
export interface LiveAlarmNews {
  news: string;
  alarm_id: number | null;
  group_id: number | null;
  /** Null of a group, and of a node of the network. */
  meter_id: number | null;
  event: string;
  quantity: string;
  severity: Severity;
  number: string | null;
  members: number;
  version: number;
  received_us: number;
}

export type LiveMessage =
  | { kind: "alarm_news"; data: { items: LiveAlarmNews[] } }
  | { kind: "counters"; data: LiveCounters } | { kind: "alarm"; data: LiveAlarm } | { kind: "applied"; data: LiveApplied };

const KINDS: readonly unknown[] = ["counters", "alarm", "alarm_news", "applied"];

/** The message in a frame's text; null for kinds this console does not know (a newer server). */
export function parseLive(text: string): LiveMessage | null {
  const message = JSON.parse(text) as { kind?: unknown };
  return KINDS.includes(message.kind) ? (message as LiveMessage) : null;
}

export function liveUrl(): string {
  const { protocol, host } = window.location;
  return `${protocol === "https:" ? "wss:" : "ws:"}//${host}/api/v1/live`;
}
