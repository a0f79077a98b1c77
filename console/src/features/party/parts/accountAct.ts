// SPDX-License-Identifier: Apache-2.0
// Which acts an account allows now, and what each of them needs: as domain/party/accounts.py decides, so that nothing is offered that is refused.
import type { Account, WantedAct } from "@/features/party/calls";

export type ActKind = Exclude<WantedAct["kind"], "open">;

/** Acts that an account which is open allows, by whether somebody holds it. */
export function allowed(account: Pick<Account, "customer_id" | "closed_at">): readonly ActKind[] {
  if (account.closed_at != null) return [];
  return account.customer_id == null ? ["move_in", "split", "merge", "close"] : ["transfer", "move_out", "split", "merge"];
}

/** Whether an act names a customer: it must, or it may. */
export function needsCustomer(kind: ActKind): "must" | "may" | "no" {
  if (kind === "move_in" || kind === "transfer") return "must";
  return kind === "split" ? "may" : "no";
}

export interface ActLines {
  kind: ActKind;
  customer: string;
  number: string;
  /** Local date and time as the browser gives it; '' is now. */
  at: string;
}

/** Whether all that the act needs is there. */
export function isWhole(lines: ActLines): boolean {
  if (needsCustomer(lines.kind) === "must" && lines.customer === "") return false;
  return !(["split", "merge"].includes(lines.kind) && lines.number.trim() === "");
}
