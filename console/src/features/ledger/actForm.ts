// SPDX-License-Identifier: Apache-2.0
// An act as a form, and the body that goes to the server: yuan in text to whole fen, nothing rounded.
import { countOf } from "@/shared/format/volume";
import type { NewAct } from "./calls";

export interface ActLines {
  kind: NewAct["kind"];
  account: string;
  yuan: string;
  channel: string;
  entry: string;
}

const ID = /^[1-9]\d{0,15}$/;

/** Yuan as whole fen; a minus only where it may be. Null for anything but such an amount that is not 0. */
export function fenOf(text: string, mayBeBelow = false): number | null {
  const below = mayBeBelow && /^[-−]/.test(text.trim());
  const fen = countOf(below ? text.trim().slice(1) : text, -2);
  return fen === null || fen === 0 ? null : below ? -fen : fen;
}

/** The body, or null while something is lacking. `key` stays the same until the server has taken it. */
export function actOf(lines: ActLines, key: string): Omit<NewAct, "reason"> | null {
  if (lines.kind === "reversal") return ID.test(lines.entry.trim()) ? { key, kind: "reversal", reverses: Number(lines.entry) } : null;
  const fen = fenOf(lines.yuan, lines.kind === "adjustment");
  if (fen === null || !ID.test(lines.account.trim())) return null;
  const act = { key, kind: lines.kind, account_id: Number(lines.account), fen };
  return lines.kind === "refund" ? { ...act, channel: lines.channel as NonNullable<NewAct["channel"]> } : act;
}
