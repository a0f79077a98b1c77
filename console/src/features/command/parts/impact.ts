// SPDX-License-Identifier: Apache-2.0
// What a command does to whom, for the words before it is given. The signer's rules (domain/command/safety.py) decide; this warns early.
import type { CommandKind } from "@/features/command/calls";
import type { MeterDetail } from "@/features/fleet/calls";

const READINGS: readonly CommandKind[] = ["read_now", "read_intervals", "read_status", "log_pull", "read_parameters"];
/** Kinds that only administrators give. */
const ADMINISTRATORS: readonly CommandKind[] = ["factory_reset", "set_platform", "set_price"];
const SIGNED: readonly CommandKind[] = ["valve_close", "valve_open", "top_up", "set_price", "set_platform", "factory_reset"];
export const KINDS: readonly CommandKind[] = ["valve_close", "valve_open", "top_up", "set_price", "set_parameters", "set_clock", "set_platform", "restart", "factory_reset", ...READINGS];
const LONGEST_VALVE_S = 72 * 3600;

export type Warning = "protected" | "critical" | "credit" | "creditUnknown" | "tooLong" | "removed";

export function isReading(kind: CommandKind): boolean {
  return READINGS.includes(kind);
}

export function isSigned(kind: string): boolean {
  return SIGNED.some((one) => one === kind);
}

export function needsAdministrator(kind: string): boolean {
  return ADMINISTRATORS.some((one) => one === kind);
}

/** Key of the sentence that says what happens, below `command.impact`. */
export function impactKey(kind: CommandKind, medium: MeterDetail["medium"]): string {
  if (kind === "valve_close" || kind === "valve_open") return `${kind}.${medium}`;
  return isReading(kind) ? "other" : kind;
}

/** Why the signer will, or may, refuse it. */
export function warningsOf(kind: CommandKind, meter: Pick<MeterDetail, "customer" | "state" | "removed_on">, validityS: number): Warning[] {
  const found: Warning[] = [];
  if (meter.removed_on !== null) found.push("removed");
  if (kind !== "valve_close" && kind !== "valve_open") return found;
  if (validityS > LONGEST_VALVE_S) found.push("tooLong");
  if (kind === "valve_open") return found;
  if (meter.customer?.is_protected === true) found.push("protected");
  if (meter.customer?.is_critical === true) found.push("critical");
  const balance = meter.state?.balance ?? null;
  if (balance === null) found.push("creditUnknown");
  else if (balance > 0) found.push("credit");
  return found;
}
