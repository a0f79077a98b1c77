// SPDX-License-Identifier: Apache-2.0
// A register as a person types it, held against the last one and the plausible range. Exact: counts of the last decimal as BigInt, no fractions.

const FORM = /^\d{1,12}(\.\d{1,9})?$/;

export type Typed = { fault: "form" | "decimals" } | { m3: string; doubt: "low" | "high" | null };

/** In units of 10^-9 m³. */
function count(m3: string): bigint {
  const [whole = "0", decimals = ""] = m3.split(".");
  return BigInt(whole + decimals.padEnd(9, "0"));
}

/** `low` above `high`: the dial goes round within the range. */
export function typed(text: string, meter: { decimals: number; low_m3: string | null; high_m3: string | null }): Typed {
  const m3 = text.trim().replace(/[,，。]/g, ".").replace(/[０-９]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) - 0xfee0));
  if (!FORM.test(m3)) return { fault: "form" };
  if ((m3.split(".")[1] ?? "").length > meter.decimals) return { fault: "decimals" };
  if (meter.low_m3 === null) return { m3, doubt: null };
  // Who reads whole cubic metres reads the last register to fewer digits: what lies below it by less than the last digit says the same.
  const value = count(m3);
  const digit = 10n ** BigInt(9 - (m3.split(".")[1] ?? "").length);
  const low = count(meter.low_m3);
  const above = value + digit > low;
  if (meter.high_m3 === null) return { m3, doubt: above ? null : "low" };
  const high = count(meter.high_m3);
  if (high >= low) return { m3, doubt: !above ? "low" : value > high ? "high" : null };
  return { m3, doubt: above || value <= high ? null : "low" };
}
