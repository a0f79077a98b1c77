// SPDX-License-Identifier: Apache-2.0
// A line over time on coloured bands; with barPlot.ts and linesPlot.ts the only files that know ECharts.
import { LineChart } from "echarts/charts";
import { DataZoomComponent, GridComponent, MarkAreaComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { axisStyle, drawnText, pageColour, timeAxis } from "./plotStyle";
import { pointText, type TimePoint } from "./timeLine";

use([LineChart, DataZoomComponent, GridComponent, MarkAreaComponent, TooltipComponent, CanvasRenderer]);

export interface Band {
  name: string;
  /** Lower and upper bound in the unit of the axis; null: open. */
  from: number | null;
  to: number | null;
  /** CSS variable of the colour. */
  colour: string;
}

export interface Line {
  /** On the wall clock of the tenant's zone; null where nothing is known: the line has a hole there. */
  points: readonly TimePoint[];
  /** Ends of the time axis, likewise: the period that was asked for, so that what is missing at its ends is seen too. */
  from?: number;
  to?: number;
  /** Whether a point is a whole day, which has no time of day. */
  days?: boolean;
  bands: readonly Band[];
  unit: string;
  /** Ends of the axis; found from the values when absent. */
  least?: number;
  most?: number;
}

export interface LinePlot {
  show(line: Line): void;
  resize(): void;
  dispose(): void;
}

export function makeLinePlot(host: HTMLElement): LinePlot {
  const chart = init(host, undefined, { renderer: "canvas" });
  return {
    show(line) {
      const style = axisStyle();
      const first = line.from ?? line.points[0]?.[0] ?? 0;
      const last = line.to ?? line.points.at(-1)?.[0] ?? 0;
      chart.setOption({
        animation: false,
        grid: { left: 56, right: 48, top: 28, bottom: 28 },
        useUTC: true, // the points are on the tenant's wall clock already; the browser's zone is no matter
        tooltip: {
          trigger: "axis",
          renderMode: "richText",
          formatter: (given: unknown) => {
            const [at, value] = (given as { value: readonly [number, number | string] }[])[0]?.value ?? [0, "-"];
            return `${pointText(at, line.days === true)}\n${drawnText(value, line.unit)}`;
          },
        },
        dataZoom: [{ type: "inside", zoomOnMouseWheel: "ctrl" }], // the wheel alone scrolls the page
        xAxis: timeAxis(line, last - first, line.days),
        yAxis: { type: "value", name: line.unit, min: line.least, max: line.most, scale: true, nameTextStyle: style.label, axisLabel: style.numbers, splitLine: style.split },
        series: [
          {
            type: "line",
            symbolSize: 4,
            showSymbol: line.points.length < 100,
            lineStyle: { color: pageColour("--om-accent"), width: 1.5 },
            itemStyle: { color: pageColour("--om-accent") },
            data: line.points.map(([at, value]) => [at, value ?? "-"]),
            markArea: {
              silent: true,
              label: { position: "insideRight", ...style.label },
              data: line.bands.map((band) => [
                { name: band.name, yAxis: band.from ?? line.least ?? "min", itemStyle: { color: pageColour(band.colour), opacity: 0.12 } },
                { yAxis: band.to ?? line.most ?? "max" },
              ]),
            },
          },
        ],
      });
    },
    resize: () => { chart.resize(); },
    dispose: () => { chart.dispose(); },
  };
}
