// SPDX-License-Identifier: Apache-2.0
// A camera that sees a bar code: Code 128 (ISO/IEC 15417, set B) drawn into a Y4M file, which Chromium plays as its camera.
import { writeFileSync } from "node:fs";

// Widths of bars and spaces of each value; 103 to 105 begin, 106 ends (ISO/IEC 15417 table 1).
const WIDTHS = (
  "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 123122 123221 223211 221132 221231 213212 223112 " +
  "312131 311222 321122 321221 312212 322112 322211 212123 212321 232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 " +
  "113321 133121 313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 111422 121124 121421 141122 141221 " +
  "112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 " +
  "111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 211214 211232 2331112"
).split(" ");

function modules(text) {
  const values = [104, ...[...text].map((sign) => sign.charCodeAt(0) - 32)];
  const sum = values.reduce((total, value, place) => total + value * Math.max(1, place), 0);
  return [...values, sum % 103, 106].flatMap((value) => [...WIDTHS[value]].map(Number));
}

/** Writes a film of a few equal pictures. */
export function cameraFile(path, text) {
  const [width, height, unit] = [640, 480, 3];
  const widths = modules(text);
  const total = widths.reduce((sum, one) => sum + one, 0) * unit;
  if (total > width - 60) throw new Error(`${text} is too long for the picture`);
  const row = Buffer.alloc(width, 235);
  let at = Math.floor((width - total) / 2);
  widths.forEach((one, place) => {
    if (place % 2 === 0) row.fill(16, at, at + one * unit);
    at += one * unit;
  });
  const luma = Buffer.concat(Array.from({ length: height }, (_line, y) => (y > 120 && y < 360 ? row : Buffer.alloc(width, 235))));
  const frame = Buffer.concat([Buffer.from("FRAME\n"), luma, Buffer.alloc((width * height) / 2, 128)]);
  writeFileSync(path, Buffer.concat([Buffer.from(`YUV4MPEG2 W${String(width)} H${String(height)} F10:1 Ip A1:1 C420jpeg\n`), frame, frame, frame]));
}
