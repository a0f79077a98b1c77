// SPDX-License-Identifier: Apache-2.0

/** SVG path over the box, zero at the bottom, the largest value at the top; '' for fewer than two values. */
export function sparkPath(values: readonly number[], width: number, height: number): string {
  if (values.length < 2) return "";
  const top = Math.max(1e-9, ...values);
  const step = width / (values.length - 1);
  return values
    .map((value, index) => `${index === 0 ? "M" : "L"}${(index * step).toFixed(1)} ${(height - 2 - (Math.max(0, value) / top) * (height - 4)).toFixed(1)}`)
    .join("");
}
