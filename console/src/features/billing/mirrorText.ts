// SPDX-License-Identifier: Apache-2.0
// How a difference of a meter's balance is written.
import type { MirroredDay } from "@/features/billing/calls";
import { exactText, moneyText } from "@/shared/format/quantity";

type Say = (key: string, values?: Record<string, unknown>) => string;

/** An amount in the unit of its day: CNY, or litres with their unit. */
export function amountText(amount: number | null, unit: "fen" | "l"): string {
  if (amount === null) return "–";
  return unit === "fen" ? moneyText(amount) : `${exactText(amount, 0)} L`;
}

/** What explains a day; each line is one way to explain it whole. */
export function explanationLines(day: Pick<MirroredDay, "explanations">, t: Say): string[] {
  return day.explanations.map((findings) =>
    findings.map(({ cause, what }) => t(`mirror.what.${cause}`, { what: cause === "rounding" ? t(`mirror.roundings.${what}`) : what })).join(` ${t("mirror.and")} `),
  );
}

/** The least amount that a person typed, in the unit that is kept; undefined: none, or no amount. */
export function leastOf(text: string): number | undefined {
  const found = /^(\d{1,9})(?:\.(\d{1,2}))?$/.exec(text.trim());
  return found === null ? undefined : Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0"));
}
