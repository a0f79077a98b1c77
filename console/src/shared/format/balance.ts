// SPDX-License-Identifier: Apache-2.0
/** A meter's balance with its unit: fen or litres by its kind (0 money, 1 volume, 2 none). Never a unit that nobody said. */
export function balanceText(value: number | null | undefined, kind: number | null | undefined, unitUnknown: string): string {
  if (value === null || value === undefined || kind === 2) return "—";
  const sign = value < 0 ? "−" : "";
  const size = Math.abs(value);
  if (kind === 0) return `¥ ${sign}${String(Math.trunc(size / 100))}.${String(size % 100).padStart(2, "0")}`;
  if (kind === 1) return `${sign}${String(Math.trunc(size / 1000))}.${String(size % 1000).padStart(3, "0")} m³`;
  return `${sign}${String(size)} ${unitUnknown}`;
}
