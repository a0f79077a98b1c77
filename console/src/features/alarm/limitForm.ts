// SPDX-License-Identifier: Apache-2.0
// Limits as a form: a line a quantity, numbers in the unit people read. What is typed becomes the exact integers of the API or nothing.
import { exactOf, typedText } from "@/shared/format/quantity";
import type { Limits, QuantityLimit } from "./calls";

export interface LimitLine {
  quantity: string;
  zh: string;
  en: string;
  unit: string;
  exponent: number;
  /** Whether there is a limit here: of the product, or the device's own. */
  on: boolean;
  low: string;
  high: string;
  hysteresis: string;
  severity: QuantityLimit["severity"] & string;
  /** What the product says, where the device has none of its own. */
  inherited: QuantityLimit | undefined;
}

const places = (line: { exponent: number }): number => Math.max(0, -line.exponent);
const typed = (value: number | null | undefined, exponent: number): string => (value === null || value === undefined ? "" : typedText(value, exponent));

/** Every quantity that may be watched, with what is set. */
export function linesOf(limits: Limits): LimitLine[] {
  return limits.quantities.map(({ quantity, zh, en, unit, exponent }) => {
    const own = limits.items.find((item) => item.quantity === quantity);
    return {
      quantity, zh, en, unit, exponent,
      on: own !== undefined,
      low: typed(own?.low, exponent),
      high: typed(own?.high, exponent),
      hysteresis: typed(own?.hysteresis ?? 0, exponent),
      severity: own?.severity ?? "major",
      inherited: limits.product.find((item) => item.quantity === quantity),
    };
  });
}

function count(text: string, line: LimitLine): number | null | undefined {
  if (text.trim() === "") return null;
  return exactOf(text.trim(), places(line)) ?? undefined;
}

/** The set to send; null where a number is none. */
export function limitsOf(lines: readonly LimitLine[]): QuantityLimit[] | null {
  const items: QuantityLimit[] = [];
  for (const line of lines) {
    if (!line.on) continue;
    const [low, high, hysteresis] = [count(line.low, line), count(line.high, line), count(line.hysteresis, line)];
    if (low === undefined || high === undefined || hysteresis === undefined) return null;
    items.push({ quantity: line.quantity, low, high, hysteresis: hysteresis ?? 0, severity: line.severity });
  }
  return items;
}
