// SPDX-License-Identifier: Apache-2.0

/**
 * SVG path over the box, zero at the bottom, the largest value at the top; '' for fewer than two values. `times`: of the values, in
 * any unit and rising; without them they are equally far apart.
 */
export function sparkPath(values: readonly number[], width: number, height: number, times?: readonly number[]): string {
  if (values.length < 2) return "";
  const top = Math.max(1e-9, ...values);
  const first = times?.[0] ?? 0;
  const span = Math.max(1e-9, (times?.at(-1) ?? values.length - 1) - first);
  return values
    .map((value, index) => {
      const x = (((times?.[index] ?? index) - first) / span) * width;
      return `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${(height - 2 - (Math.max(0, value) / top) * (height - 4)).toFixed(1)}`;
    })
    .join("");
}
