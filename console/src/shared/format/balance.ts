// SPDX-License-Identifier: Apache-2.0
import { exactText, MONEY, moneyText, VOLUME } from "./quantity";

/** A meter's balance with its unit: fen or litres by its kind (0 money, 1 volume, 2 none). Never a unit that nobody said. */
export function balanceText(value: number | null | undefined, kind: number | null | undefined, unitUnknown: string): string {
  if (value === null || value === undefined || kind === 2) return "—";
  if (kind === MONEY) return moneyText(value);
  if (kind === VOLUME) return `${exactText(value, -3)} m³`;
  return `${exactText(value, 0)} ${unitUnknown}`;
}
