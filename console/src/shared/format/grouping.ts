// SPDX-License-Identifier: Apache-2.0
// How thousands stand apart: a person's choice (preferences), never the browser's. The decimal sign is a point in all of them.
import { ref } from "vue";

export type Numbers = "space" | "comma" | "plain";

const SIGNS: Readonly<Record<Numbers, string>> = { space: "\u202f", comma: ",", plain: "" };
const chosen = ref<Numbers>("space");

export function setNumbers(numbers: Numbers): void {
  chosen.value = numbers;
}

/** `1234567` → `1 234 567`, `1,234,567` or as it is. */
export function grouped(whole: string): string {
  const sign = SIGNS[chosen.value];
  return sign === "" ? whole : whole.replace(/\B(?=(\d{3})+$)/g, sign);
}

/** Whether a comma in what a person types is a decimal one: not for who writes thousands with it, for 1,234 would be a thousandth part. */
export function isCommaDecimal(): boolean {
  return chosen.value !== "comma";
}
