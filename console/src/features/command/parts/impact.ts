// SPDX-License-Identifier: Apache-2.0
// What a command does to whom, for the words before it is given. The signer's rules (domain/command/safety.py) decide; this warns early.
import type { CommandKind } from "@/features/command/calls";
import { factsOf } from "@/features/command/kinds";
import type { MeterDetail } from "@/features/fleet/calls";
import { kindOfBalance } from "@/shared/format/params";

const LONGEST_VALVE_S = 72 * 3600;
const MOVES: readonly CommandKind[] = ["valve_close", "valve_open", "top_up", "set_price"]; // as domain/command/safety.py

export type Warning = "protected" | "critical" | "credit" | "creditUnknown" | "tooLong" | "removed" | "mismatch" | "otherKind";

/** Key of the sentence that says what happens, below `command.impact`. */
export function impactKey(kind: CommandKind, medium: MeterDetail["medium"]): string {
  const { valve, does } = factsOf(kind);
  if (valve !== undefined) return `${kind}.${medium}`;
  return does === undefined ? "other" : kind;
}

/** Why the signer will, or may, refuse it. */
export function warningsOf(kind: CommandKind, meter: Pick<MeterDetail, "customer" | "state" | "removed_on">, validityS: number, params: Record<string, unknown> = {}): Warning[] {
  const found: Warning[] = [];
  if (meter.removed_on !== null) found.push("removed");
  if (MOVES.includes(kind) && meter.state?.events.includes("module_mismatch") === true) found.push("mismatch");
  const held = meter.state?.balance_kind ?? null;
  if (kind === "top_up" && held !== null && kindOfBalance(kind, params, null) !== held) found.push("otherKind");
  const { valve } = factsOf(kind);
  if (valve === undefined) return found;
  if (validityS > LONGEST_VALVE_S) found.push("tooLong");
  if (valve === "open" || valve === "safety") return found; // a danger asks for neither credit nor protection
  if (meter.customer?.is_protected === true) found.push("protected");
  if (meter.customer?.is_critical === true) found.push("critical");
  const balance = meter.state?.balance ?? null;
  if (balance === null) found.push("creditUnknown");
  else if (balance > 0) found.push("credit");
  return found;
}
