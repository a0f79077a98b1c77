// SPDX-License-Identifier: Apache-2.0
// The only file that knows ECharts.
import { BarChart } from "echarts/charts";
import { DataZoomComponent, GridComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, DataZoomComponent, GridComponent, TooltipComponent, CanvasRenderer]);

export interface Bar {
  label: string;
  /** Height in the unit of the axis; null: nothing known. */
  value: number | null;
  /** CSS variable of the colour, `--om-accent` unless the value is flagged. */
  colour: string;
}

export interface BarPlot {
  show(bars: readonly Bar[], unit: string): void;
  resize(): void;
  dispose(): void;
}

export function makeBarPlot(host: HTMLElement): BarPlot {
  const chart = init(host, undefined, { renderer: "canvas" });
  return {
    show(bars, unit) {
      const styles = getComputedStyle(document.documentElement);
      const colour = (name: string): string => styles.getPropertyValue(name).trim();
      const text = colour("--om-muted");
      chart.setOption({
        animation: false,
        grid: { left: 64, right: 16, top: 28, bottom: bars.length > 60 ? 64 : 32 },
        tooltip: { trigger: "axis", renderMode: "richText", axisPointer: { type: "shadow" } },
        dataZoom: bars.length > 60 ? [{ type: "slider", height: 18, bottom: 8 }, { type: "inside" }] : [],
        xAxis: { type: "category", data: bars.map((bar) => bar.label), axisLabel: { color: text } },
        yAxis: {
          type: "value",
          name: unit,
          nameTextStyle: { color: text },
          axisLabel: { color: text },
          splitLine: { lineStyle: { color: colour("--el-border-color-lighter") } },
        },
        series: [
          {
            type: "bar",
            large: bars.length > 2000,
            data: bars.map((bar) => ({ value: bar.value ?? "-", itemStyle: { color: colour(bar.colour) } })),
          },
        ],
      });
    },
    resize: () => { chart.resize(); },
    dispose: () => { chart.dispose(); },
  };
}
