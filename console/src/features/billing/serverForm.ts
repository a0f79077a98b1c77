// SPDX-License-Identifier: Apache-2.0
// Accounts and levels as people type them.
import { countOf } from "@/shared/format/volume";
import type { ServerCharging } from "./calls";

export interface ServerText { accounts: string; since: string; warnCny: string; limitCny: string }

const MOST_ACCOUNTS = 500;

/** Null where it cannot be asked for. */
export function chargingOf(text: ServerText): Omit<ServerCharging, "reason"> | null {
  const accounts = [...new Set(text.accounts.split(/[\s,，;；、]+/).filter((one) => one !== ""))];
  const below = text.warnCny.trim().startsWith("-");
  const warn = countOf(text.warnCny.trim().replace(/^-/, ""), -2);
  const limit = text.limitCny.trim() === "" ? 0 : countOf(text.limitCny, -2);
  if (accounts.length === 0 || accounts.length > MOST_ACCOUNTS || !accounts.every((one) => /^[1-9]\d{0,15}$/.test(one))) return null;
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text.since) || warn === null || limit === null || limit < 0) return null;
  const warnFen = below ? -warn : warn;
  return warnFen < -limit ? null : { account_ids: accounts.map(Number), since_day: text.since, warn_fen: warnFen, limit_fen: limit };
}
