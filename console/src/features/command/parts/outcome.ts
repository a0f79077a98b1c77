// SPDX-License-Identifier: Apache-2.0
// How an act at the signer, and a command afterwards, came out: its colour, and what to say of it. Only what happened is success.
import type { CommandState } from "@/features/command/calls";
import type { Outcome } from "@/shared/toast";

/** `authorised` alone lets a command go; what waits for a second person has not happened yet; all else was refused. */
export function cameOf(verdict: string): Outcome["came"] {
  if (verdict === "" || verdict === "authorised") return "done"; // "": not a signed kind, nobody is asked
  return verdict === "needs_approval" || verdict === "quarantined" ? "partly" : "failed";
}

/** Of a batch: all let go, none, or some; nothing asked is nothing refused. */
export function cameOfAll(verdicts: Readonly<Record<string, number>>): Outcome["came"] {
  const found = new Set(Object.entries(verdicts).flatMap(([verdict, count]) => (count > 0 ? [cameOf(verdict)] : [])));
  if (found.size === 0) return "done";
  const [only] = found;
  return found.size === 1 && only !== undefined ? only : "partly";
}

/** How a command that has ended came out; null while it is under way. */
export function cameAtLast(state: CommandState): Outcome["came"] | null {
  if (state === "confirmed") return "done";
  if (state === "cancelled") return "partly";
  return state === "failed" || state === "expired" ? "failed" : null;
}

/** Reasons for which there is something to be done; their words are `command.advice`. */
const ADVISED: Readonly<Record<string, string>> = {
  protected: "onSite", closing_forbidden: "onSite", closed_for_safety: "onSite", too_much: "parameters", quota_amount: "quota", has_credit: "credit", unknown_credit: "readFirst", removed: "registry", unknown_meter: "registry",
  validity_too_long: "shorter", wrong_parameters: "parameters", out_of_range: "parameters", not_what_was_authorised: "anew",
  not_by_this_driver: "product", not_signed_kind: "product", unknown_kind: "product",
  many: "second", amount: "second", price: "second", two_persons: "second", critical: "second", out_of_hours: "second", quota_operator: "quota", quota_utility: "quota", quota_zone: "quota", quota_platform: "quota",
  refused: "askMeter", bad_mac: "key", counter_too_low: "anew", expired: "anew", never_sent: "silent", no_answer: "silent", outcome_unknown: "check", restored: "check",
  not_reachable: "onSite", needs_meter_number: "registry", other_number: "registry", unproven: "proof", unreadable: "product", read_back: "askMeter",
};

/** Key below `command.advice` of what to do now; by the first reason that has one, else by the verdict. */
export function adviceOf(reason: string, verdict = ""): string {
  const found = reason.split(",").map((part) => ADVISED[part.trim()]).find((key) => key !== undefined);
  if (found !== undefined) return found;
  if (verdict === "stopped") return "stopped";
  if (verdict === "needs_approval" || verdict === "quarantined") return "second";
  return "look";
}
