// SPDX-License-Identifier: Apache-2.0
// Parameters of commands in words: `¥50.00`, tiers of a price. The server's twin is app/command/wording.py.
import type { Locale } from "@/shared/i18n/bilingual";
import { exactText, labelOf, MONEY, quantityText, type BalanceKind } from "./quantity";

export interface Tier {
  /** From this volume on, m³. */
  from: number;
  /** Up to this volume; null: without end. */
  to: number | null;
  price: string;
}

function whole(values: unknown): values is number[] {
  return Array.isArray(values) && values.every((value) => Number.isSafeInteger(value));
}

/** The tiers of a price, if the parameters hold as many bounds as prices. */
export function tiersOf(params: Record<string, unknown>): Tier[] | null {
  const { tier_from: bounds, prices } = params;
  if (!whole(bounds) || !whole(prices) || bounds.length === 0 || bounds.length !== prices.length) return null;
  return bounds.map((from, place) => ({ from, to: bounds[place + 1] ?? null, price: `¥${exactText(prices[place] ?? 0, -4)}/m³` }));
}

export function tierSpan(tier: Tier, language: Locale): string {
  if (tier.to !== null) return `${String(tier.from)}–${String(tier.to)} m³`;
  return language === "zh" ? `${String(tier.from)} m³ 以上` : `from ${String(tier.from)} m³`;
}

/** The kind of balance that a command's amounts are in: its own word, money for a top-up without one, else the meter's. */
export function kindOfBalance(kind: string, params: Record<string, unknown>, meters: BalanceKind): BalanceKind {
  if (typeof params.balance_kind === "number") return params.balance_kind;
  return kind === "top_up" ? MONEY : meters;
}

/** Parameters by name and text, in the order they are given; tiers of a price as one. */
export function paramsParts(kind: string, params: Record<string, unknown>, language: Locale, zone: string, meters?: BalanceKind): [string, string][] {
  const own = kindOfBalance(kind, params, meters);
  const tiers = tiersOf(params);
  const text = (name: string, value: unknown): [string, string] => [labelOf(name, language), quantityText(name, value, language, zone, own)];
  return Object.entries(params).flatMap(([name, value]): [string, string][] => {
    if (tiers !== null && (name === "tiers" || name === "tier_from")) return [];
    if (tiers !== null && name === "prices") return [[language === "zh" ? "阶梯价格" : "Tiers", tiers.map((tier) => `${tierSpan(tier, language)} ${tier.price}`).join(", ")]];
    if (name === "names" && Array.isArray(value)) return [[labelOf(name, language), value.map((one) => labelOf(String(one), language)).join(", ")]];
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return Object.entries(value).map(([key, one]) => text(key, one));
    return [text(name, value)];
  });
}

/** Parameters on one line; of a top-up only how much. */
export function paramsText(kind: string, params: Record<string, unknown>, language: Locale, zone: string, meters?: BalanceKind): string {
  if (kind === "top_up" && Object.keys(params).every((name) => name === "amount" || name === "balance_kind")) {
    return quantityText("amount", params.amount, language, zone, kindOfBalance(kind, params, meters));
  }
  const [colon, stop] = language === "zh" ? ["：", "；"] : [": ", "; "];
  return paramsParts(kind, params, language, zone, meters).map((part) => part.join(colon)).join(stop);
}
