// SPDX-License-Identifier: Apache-2.0
// A month of the list of meters that are due, as the server is asked for it.
import type { DueQuery } from "@/features/fleet/calls";

export const isAction = (text: string): text is "replace" | "verify" => text === "replace" || text === "verify";

/** `YYYY-MM` → its first and last day; "unknown": those of which nobody can say when; anything else: no bound. */
export function spanOf(month: string): DueQuery {
  if (month === "unknown") return { unknown: true };
  const found = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(month);
  if (found === null) return {};
  const last = new Date(Date.UTC(Number(found[1]), Number(found[2]), 0)).getUTCDate();
  return { first: `${month}-01`, last: `${month}-${String(last).padStart(2, "0")}` };
}
