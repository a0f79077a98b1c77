// SPDX-License-Identifier: Apache-2.0
// Bars over time; with linePlot.ts the only files that know ECharts.
import { BarChart } from "echarts/charts";
import { DataZoomComponent, GridComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { axisStyle, pageColour } from "./plotStyle";

use([BarChart, DataZoomComponent, GridComponent, TooltipComponent, CanvasRenderer]);

const LINE_PX = 16; // of a label of two lines

export interface Bar {
  label: string;
  /** Height in the unit of the axis; null: nothing known. */
  value: number | null;
  /** CSS variable of the colour, `--om-accent` unless the value is flagged. */
  colour: string;
  /** Drawn faintly: a value that is not to be read beside the others. */
  faint?: boolean;
  /** The value it is compared with, drawn beside it; absent where nothing is compared. */
  other?: number | null;
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
      const style = axisStyle();
      const compared = bars.some((bar) => bar.other !== undefined);
      chart.setOption({
        animation: false,
        grid: { left: 64, right: 16, top: 28, bottom: (bars.length > 60 ? 64 : 32) + (bars.some(({ label }) => label.includes("\n")) ? LINE_PX : 0) },
        tooltip: { trigger: "axis", renderMode: "richText", axisPointer: { type: "shadow" } },
        dataZoom: bars.length > 60 ? [{ type: "slider", height: 18, bottom: 8 }, { type: "inside" }] : [],
        xAxis: { type: "category", data: bars.map((bar) => bar.label), axisLabel: { ...style.label, lineHeight: LINE_PX } },
        yAxis: {
          type: "value",
          name: unit,
          nameTextStyle: style.label,
          axisLabel: style.numbers,
          splitLine: style.split,
        },
        series: [
          {
            type: "bar",
            large: bars.length > 2000,
            data: bars.map((bar) => ({ value: bar.value ?? "-", itemStyle: { color: pageColour(bar.colour), opacity: bar.faint === true ? 0.45 : 1 } })),
          },
          ...(compared ? [{ type: "bar" as const, itemStyle: { color: pageColour("--om-muted"), opacity: 0.45 }, data: bars.map((bar) => bar.other ?? "-") }] : []),
        ],
      }, { replaceMerge: ["series"] });
    },
    resize: () => { chart.resize(); },
    dispose: () => { chart.dispose(); },
  };
}
