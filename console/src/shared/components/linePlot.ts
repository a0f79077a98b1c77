// SPDX-License-Identifier: Apache-2.0
// A line over time on coloured bands; with barPlot.ts the only files that know ECharts.
import { LineChart } from "echarts/charts";
import { GridComponent, MarkAreaComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { axisStyle, pageColour } from "./plotStyle";

use([LineChart, GridComponent, MarkAreaComponent, TooltipComponent, CanvasRenderer]);

export interface Band {
  name: string;
  /** Lower and upper bound in the unit of the axis; null: open. */
  from: number | null;
  to: number | null;
  /** CSS variable of the colour. */
  colour: string;
}

export interface Line {
  labels: readonly string[];
  /** null where nothing is known: the line has a hole there. */
  values: readonly (number | null)[];
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
      chart.setOption({
        animation: false,
        grid: { left: 56, right: 48, top: 28, bottom: 28 },
        tooltip: { trigger: "axis", renderMode: "richText" },
        xAxis: { type: "category", data: [...line.labels], axisLabel: style.label },
        yAxis: { type: "value", name: line.unit, min: line.least, max: line.most, scale: true, nameTextStyle: style.label, axisLabel: style.label, splitLine: style.split },
        series: [
          {
            type: "line",
            symbolSize: 4,
            showSymbol: line.values.length < 100,
            lineStyle: { color: pageColour("--om-accent"), width: 1.5 },
            itemStyle: { color: pageColour("--om-accent") },
            data: line.values.map((value) => value ?? "-"),
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
