// SPDX-License-Identifier: Apache-2.0
// Why a meter's data may be missing, from what is known of it. Most likely reason first; nothing is guessed beyond that.
import type { MeterDetail } from "@/features/fleet/calls";
import type { Reading } from "@/features/readings/calls";
import type { DeadLetter } from "@/features/system/calls";
import { tenthsText } from "@/shared/format/volume";
import { levelOf } from "./coverage";
import { isUnpromised, restsOn, type Basis } from "./readingBars";

/** Hours of silence by mode: a period and two hours of patience. */
export const SILENT_H: Record<MeterDetail["report_mode"], number> = { day: 26, week: 170, ten_days: 266, month: 746 };
const EMPTY_PCT = 10;
const HOUR_MS = 3_600_000;

export type Reason =
  | { kind: "fine" | "never" }
  | { kind: "silent"; hours: number }
  | { kind: "letters"; count: number; reason: string; offset: number }
  | { kind: "weak" | "edge"; rsrp: string; sinr: string }
  | { kind: "battery"; percent: number }
  | { kind: "events"; events: readonly string[] }
  | { kind: "day"; day: string; basis: readonly Basis[]; rules: readonly string[] };

/** Coverage beyond CE1, in tenths of dBm and dB. */
function signalReason(rsrp: number | null, sinr: number | null): Reason | null {
  if (rsrp === null || sinr === null) return null;
  const level = levelOf(rsrp, sinr);
  if (level === "CE0" || level === "CE1") return null;
  return { kind: level === "CE2" ? "edge" : "weak", rsrp: tenthsText(rsrp), sinr: tenthsText(sinr) };
}

/** Days that do not rest on measurements alone, newest first, with the rules that fired; none that nobody promised. */
function dayReasons(days: readonly Reading[], dayText: (instant: string) => string): Reason[] {
  return [...days]
    .reverse()
    .map((day): Reason & { kind: "day" } => ({ kind: "day", day: dayText(day.start), basis: restsOn(day).filter((basis) => basis !== "measured" && !isUnpromised(basis)), rules: day.rules }))
    .filter((day) => day.basis.length > 0);
}

/** `letters`: the meter's open dead letters, newest first; `days`: finished days, oldest first. */
export function reasonsOf(
  meter: Pick<MeterDetail, "state" | "report_mode">,
  letters: readonly Pick<DeadLetter, "reason" | "byte_offset">[],
  now: number,
  days: readonly Reading[] = [],
  dayText: (instant: string) => string = (instant) => instant.slice(0, 10),
): Reason[] {
  const { state } = meter;
  const reasons: Reason[] = [];
  const seen = state?.last_seen_at ?? null;
  const newest = letters[0];
  if (seen === null) reasons.push({ kind: "never" });
  else {
    const hours = Math.floor((now - Date.parse(seen)) / HOUR_MS);
    if (hours >= SILENT_H[meter.report_mode]) reasons.push({ kind: "silent", hours });
  }
  if (newest !== undefined) reasons.push({ kind: "letters", count: letters.length, reason: newest.reason, offset: newest.byte_offset });
  if (state) {
    const signal = signalReason(state.rsrp_ddbm, state.sinr_ddb);
    if (signal !== null) reasons.push(signal);
    if (state.battery_pct !== null && state.battery_pct <= EMPTY_PCT) reasons.push({ kind: "battery", percent: state.battery_pct });
    if (state.events.length > 0) reasons.push({ kind: "events", events: state.events });
  }
  reasons.push(...dayReasons(days, dayText));
  return reasons.length > 0 ? reasons : [{ kind: "fine" }];
}
