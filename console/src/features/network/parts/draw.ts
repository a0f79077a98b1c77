// SPDX-License-Identifier: Apache-2.0
// The picture on a canvas: lines, then nodes state by state, so that 10,000 of them are a few fills. What is outside the window is left out.
import type { Layout } from "./layout";
import type { Net, NodeState } from "./net";
import type { View } from "./view";

const COLOURS: Record<NodeState, string> = { well: "--om-good", unknown: "--om-muted", warned: "--om-major", cut_off: "--om-info", failed: "--om-critical" };
const ORDER: readonly NodeState[] = ["well", "unknown", "warned", "cut_off", "failed"]; // what matters most is on top
const SIZES: Record<string, number> = { meter: 2.4, relay: 4.5 };
const LABELS_FROM = 1.6; // scale from which numbers are written
const MOST_LABELS = 250;

export interface Picture { net: Net; layout: Layout; view: View; selected: number | null; dimmed: Uint8Array | null; labels: boolean }

const sizeOf = (kind: string, scale: number): number => Math.max((SIZES[kind] ?? 6.5) * Math.min(Math.max(scale, 0.45), 2.2), 1);

/** Half of a node's width on the screen. */
export { sizeOf };

export function draw(canvas: HTMLCanvasElement, picture: Picture, width: number, height: number): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const style = getComputedStyle(canvas);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const { net, layout, view, selected, dimmed } = picture;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const sx = (place: number): number => ((layout.x[place] ?? 0) - view.x) * view.scale;
  const sy = (place: number): number => ((layout.y[place] ?? 0) - view.y) * view.scale;
  lines(context, net, sx, sy, width, height, colour);
  for (const state of ORDER) {
    context.fillStyle = context.strokeStyle = colour(COLOURS[state]);
    for (const dim of [true, false]) {
      context.globalAlpha = dim ? 0.15 : 1;
      context.beginPath();
      for (const node of net.nodes) {
        if (node.state !== state || ((dimmed?.[node.place] ?? 0) === 1) !== dim) continue;
        const x = sx(node.place), y = sy(node.place);
        if (x < -20 || y < -20 || x > width + 20 || y > height + 20) continue;
        mark(context, node.kind, state, x, y, sizeOf(node.kind, view.scale));
      }
      context.fill();
    }
    context.globalAlpha = 1;
  }
  if (selected !== null) {
    context.strokeStyle = colour("--om-accent");
    context.lineWidth = 2.5;
    context.beginPath();
    context.arc(sx(selected), sy(selected), sizeOf(net.nodes[selected]?.kind ?? "", view.scale) + 5, 0, 2 * Math.PI);
    context.stroke();
  }
  if (picture.labels) labels(context, picture, sx, sy, width, height, colour("--om-muted"));
}

type At = (place: number) => number;

function lines(context: CanvasRenderingContext2D, net: Net, sx: At, sy: At, width: number, height: number, colour: (name: string) => string): void {
  for (const broken of [false, true]) {
    context.strokeStyle = colour(broken ? "--om-critical" : "--el-border-color");
    context.lineWidth = broken ? 1 : 0.6;
    context.setLineDash(broken ? [4, 3] : []);
    context.beginPath();
    for (const node of net.nodes) {
      if (node.parent < 0 || (node.state === "cut_off" || (node.state === "failed" && node.kind === "relay")) !== broken) continue;
      const x = sx(node.place), y = sy(node.place), px = sx(node.parent), py = sy(node.parent);
      if (Math.max(x, px) < 0 || Math.max(y, py) < 0 || Math.min(x, px) > width || Math.min(y, py) > height) continue;
      context.moveTo(px, py);
      context.lineTo(x, y);
    }
    context.stroke();
  }
  context.setLineDash([]);
}

/** Kinds have shapes of their own, and what fails is larger: colour alone tells nobody who does not see it. */
function mark(context: CanvasRenderingContext2D, kind: string, state: NodeState, x: number, y: number, size: number): void {
  const half = state === "failed" ? size * 1.6 : size;
  if (state === "failed" || kind === "relay") {
    context.moveTo(x, y - half);
    context.lineTo(x + half, y);
    context.lineTo(x, y + half);
    context.lineTo(x - half, y);
    context.closePath();
  } else if (kind !== "meter" || half < 3) {
    context.rect(x - half, y - half, 2 * half, 2 * half);
  } else {
    context.moveTo(x + half, y);
    context.arc(x, y, half, 0, 2 * Math.PI);
  }
}

function labels(context: CanvasRenderingContext2D, { net, view }: Picture, sx: At, sy: At, width: number, height: number, colour: string): void {
  context.fillStyle = colour;
  context.font = "12px system-ui, sans-serif";
  let count = 0;
  for (const node of net.nodes) {
    if (node.kind === "meter" && view.scale < 2 * LABELS_FROM) continue;
    if (node.kind === "relay" && view.scale < LABELS_FROM) continue;
    const x = sx(node.place), y = sy(node.place);
    if (x < 0 || y < 0 || x > width || y > height) continue;
    if (++count > MOST_LABELS) return;
    context.fillText(node.name || (node.kind === "relay" ? `R${node.number}` : node.number.replace(/^0+(?=\d)/, "")), x + sizeOf(node.kind, view.scale) + 4, y + 4);
  }
}
