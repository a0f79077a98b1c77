// SPDX-License-Identifier: Apache-2.0
// Colours of a chart from the page's own styles, so that both themes fit.

import { countText } from "@/shared/format/number";
import { tickText } from "./timeLine";

const DAY_MS = 86_400_000;
const FEW_DAYS_MS = 5 * DAY_MS;

export function pageColour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function axisStyle() {
  const text = pageColour("--om-muted");
  return { label: { color: text }, numbers: { color: text, formatter: (value: number) => countText(value) }, split: { lineStyle: { color: pageColour("--el-border-color-lighter") } } };
}

/** A true time axis from `from` to `to`, or over all points where they are not given; `days`: its points are whole days. */
export function timeAxis(ends: { from?: number; to?: number }, span: number, days = false) {
  const withClock = !days && span <= FEW_DAYS_MS;
  return {
    type: "time" as const, min: ends.from, max: ends.to, ...(days ? { minInterval: DAY_MS } : {}), axisLine: { onZero: false },
    axisLabel: { ...axisStyle().label, hideOverlap: true, formatter: (at: number) => tickText(at, withClock) },
  };
}

/** A drawn value with its unit; "-" is what a line has no point for. */
export function drawnText(value: number | string, unit: string): string {
  return value === "-" ? "—" : `${String(value).replace("-", "−")} ${unit}`;
}
