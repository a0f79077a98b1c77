// SPDX-License-Identifier: Apache-2.0
// Colours of a chart from the page's own styles, so that both themes fit.

import { countText } from "@/shared/format/number";

export function pageColour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function axisStyle() {
  const text = pageColour("--om-muted");
  return { label: { color: text }, numbers: { color: text, formatter: (value: number) => countText(value) }, split: { lineStyle: { color: pageColour("--el-border-color-lighter") } } };
}
