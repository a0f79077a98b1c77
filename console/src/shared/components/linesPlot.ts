// SPDX-License-Identifier: Apache-2.0
// Lines of several quantities over time on two axes, one for each unit; values that something was found about are coloured points.
import { LineChart } from "echarts/charts";
import { DataZoomComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { axisStyle, drawnText, pageColour, timeAxis } from "./plotStyle";
import { pointText, type TimePoint } from "./timeLine";

use([LineChart, DataZoomComponent, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer]);

const COLOURS = ["--om-accent", "--om-good", "--om-major", "--om-info", "--om-muted"];
const STROKES = ["solid", "dashed", "dotted"] as const; // the sixth line has the first colour again, dashed

export interface UnitLine {
  name: string;
  unit: string;
  points: readonly TimePoint[];
  /** By instant the CSS variable of a point that something was found about. */
  marks: ReadonlyMap<number, string>;
}

export interface Lines {
  /** Of at most two units. */
  lines: readonly UnitLine[];
  /** Ends of the time axis on the wall clock of the tenant's zone. */
  from: number;
  to: number;
}

export interface LinesPlot {
  show(lines: Lines): void;
  /** Called with the instant, on the wall clock, of a point or place that is clicked. */
  onPick(pick: (at: number) => void): void;
  resize(): void;
  dispose(): void;
}

export function makeLinesPlot(host: HTMLElement): LinesPlot {
  const chart = init(host, undefined, { renderer: "canvas" });
  return {
    show({ lines, from, to }) {
      const style = axisStyle();
      const units = [...new Set(lines.map((line) => line.unit))];
      chart.setOption(
        {
          animation: false,
          color: COLOURS.map(pageColour),
          grid: { left: 64, right: 64, top: 56, bottom: 60 },
          dataZoom: [{ type: "slider", height: 18, bottom: 8, showDetail: false }, { type: "inside", zoomOnMouseWheel: "ctrl" }], // the wheel alone scrolls the page
          legend: { top: 0, type: "scroll", textStyle: style.label },
          useUTC: true, // the points are on the tenant's wall clock already; the browser's zone is no matter
          tooltip: {
            trigger: "axis",
            renderMode: "richText",
            formatter: (given: unknown) => {
              const items = given as { seriesIndex: number; value: readonly [number, number | string] }[];
              const told = items.map(({ seriesIndex, value: [, value] }) => {
                const line = lines[seriesIndex];
                return `${line?.name ?? ""} ${drawnText(value, line?.unit ?? "")}`;
              });
              return [pointText(items[0]?.value[0] ?? 0, false), ...told].join("\n");
            },
          },
          xAxis: timeAxis({ from, to }, to - from),
          yAxis: units.map((unit, place) => ({
            type: "value", name: unit, scale: true, position: place === 0 ? "left" : "right", nameTextStyle: style.label, axisLabel: style.numbers,
            splitLine: place === 0 ? style.split : { show: false },
          })),
          series: lines.map((line, place) => ({
            type: "line",
            name: line.name,
            yAxisIndex: units.indexOf(line.unit),
            symbolSize: 4,
            showSymbol: line.points.length < 100 || line.marks.size > 0,
            lineStyle: { width: 1.5, type: STROKES[Math.floor(place / COLOURS.length) % STROKES.length] },
            data: line.points.map(([at, value]) => {
              const mark = line.marks.get(at);
              return mark === undefined
                ? { value: [at, value ?? "-"], symbol: line.points.length < 100 ? "circle" : "none" }
                : { value: [at, value ?? "-"], symbol: "circle", symbolSize: 7, itemStyle: { color: pageColour(mark) } };
            }),
          })),
        },
        true, // a quantity that was taken away leaves no line behind
      );
    },
    onPick(pick) {
      chart.getZr().on("click", ({ offsetX, offsetY }) => {
        const where = [offsetX, offsetY];
        if (!chart.containPixel({ gridIndex: 0 }, where)) return;
        const [at] = chart.convertFromPixel({ gridIndex: 0 }, where) as number[];
        if (at !== undefined && Number.isFinite(at)) pick(at);
      });
    },
    resize: () => { chart.resize(); },
    dispose: () => { chart.dispose(); },
  };
}
