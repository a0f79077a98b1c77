// SPDX-License-Identifier: Apache-2.0
// Bars over time; with linePlot.ts the only files that know ECharts.
import { BarChart } from "echarts/charts";
import { DataZoomComponent, GridComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { axisStyle, drawnText, pageColour, timeAxis } from "./plotStyle";
import { tickText } from "./timeLine";

use([BarChart, DataZoomComponent, GridComponent, TooltipComponent, CanvasRenderer]);

const LINE_PX = 16; // of a label of two lines
const DAY_MS = 86_400_000;
const FEW_DAYS_MS = 5 * DAY_MS;
const FEW = 14; // bars above which a time axis can be zoomed
const MANY = 60; // the same of a row of names

function barText(bar: Bar | undefined, unit: string): string {
  if (bar === undefined) return "";
  const other = bar.other === undefined ? "" : `\n${drawnText(bar.other ?? "-", unit)}`;
  return `${bar.label}\n${drawnText(bar.value ?? "-", unit)}${other}`;
}

export interface Bar {
  label: string;
  /** Start of its step on the wall clock of the tenant's zone: where all bars have it, they stand on a true time axis and can be zoomed. */
  at?: number;
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
  /** Called with the place of a bar that is clicked. */
  onPick(pick: (place: number) => void): void;
  resize(): void;
  dispose(): void;
}

export function makeBarPlot(host: HTMLElement): BarPlot {
  const chart = init(host, undefined, { renderer: "canvas" });
  return {
    show(bars, unit) {
      const style = axisStyle();
      const compared = bars.some((bar) => bar.other !== undefined);
      const starts = bars.flatMap((bar) => (bar.at === undefined ? [] : [bar.at]));
      const inTime = starts.length === bars.length && bars.length > 0;
      const span = inTime ? (starts.at(-1) ?? 0) - (starts[0] ?? 0) : 0;
      const step = inTime && starts.length > 1 ? span / (starts.length - 1) : DAY_MS;
      const zoomed = bars.length > (inTime ? FEW : MANY);
      const place = (bar: Bar, value: number | string) => (inTime ? [bar.at ?? 0, value] : value);
      chart.setOption({
        animation: false,
        grid: { left: 64, right: 16, top: 28, bottom: (zoomed ? 64 : 32) + (bars.some(({ label }) => label.includes("\n")) ? LINE_PX : 0) },
        tooltip: {
          trigger: inTime ? "item" : "axis",
          renderMode: "richText",
          axisPointer: { type: "shadow" },
          ...(inTime ? { formatter: (given: unknown) => barText(bars[(given as { dataIndex: number }).dataIndex], unit) } : {}),
        },
        dataZoom: zoomed ? [{ type: "slider", height: 18, bottom: 8, labelFormatter: inTime ? (at: number) => tickText(at, span <= FEW_DAYS_MS) : undefined }, { type: "inside" }] : [],
        xAxis: inTime
          ? { ...timeAxis({ from: (starts[0] ?? 0) - step / 2, to: (starts.at(-1) ?? 0) + step / 2 }, span, step >= DAY_MS / 2), splitLine: { show: false } }
          : { type: "category", data: bars.map((bar) => bar.label), axisLabel: { ...style.label, lineHeight: LINE_PX } },
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
            ...(inTime ? { barMaxWidth: 48, barWidth: compared ? "38%" : "70%" } : {}),
            data: bars.map((bar) => ({ value: place(bar, bar.value ?? "-"), itemStyle: { color: pageColour(bar.colour), opacity: bar.faint === true ? 0.45 : 1 } })),
          },
          ...(compared ? [{ type: "bar" as const, itemStyle: { color: pageColour("--om-muted"), opacity: 0.45 }, ...(inTime ? { barMaxWidth: 48, barWidth: "38%" } : {}), data: bars.map((bar) => place(bar, bar.other ?? "-")) }] : []),
        ],
      }, { replaceMerge: ["series"] });
    },
    onPick(pick) {
      chart.on("click", (event) => { pick(event.dataIndex); });
    },
    resize: () => { chart.resize(); },
    dispose: () => { chart.dispose(); },
  };
}
