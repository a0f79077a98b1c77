// SPDX-License-Identifier: Apache-2.0
// Reads a bar code in a picture of the camera: by the browser's own detector where there is one, else by ZXing, which is loaded when it is first needed.
export interface Frame {
  data: Uint8ClampedArray;
  width: number;
  height: number;
}

export type Reader = (frame: HTMLCanvasElement) => Promise<string | null>;

interface Detector {
  detect: (source: HTMLCanvasElement) => Promise<{ rawValue: string }[]>;
}
interface DetectorMaker {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats: () => Promise<string[]>;
}
/** What meters bear: one-dimensional codes, and QR. */
const WANTED = ["code_128", "code_39", "ean_13", "itf", "qr_code"];

export async function readerOf(): Promise<Reader> {
  const made = (globalThis as { BarcodeDetector?: DetectorMaker }).BarcodeDetector;
  const known = made === undefined ? [] : await made.getSupportedFormats().catch(() => []);
  const formats = WANTED.filter((format) => known.includes(format));
  if (made !== undefined && formats.includes("code_128")) {
    const detector = new made({ formats });
    return async (canvas) => (await detector.detect(canvas).catch(() => []))[0]?.rawValue ?? null;
  }
  const { readBarCode } = await import("./zxing");
  return (canvas) => {
    const frame = canvas.getContext("2d", { willReadFrequently: true })?.getImageData(0, 0, canvas.width, canvas.height);
    return Promise.resolve(frame === undefined ? null : readBarCode(frame));
  };
}

/** A code as people write it: without white space and control signs. */
export function plainCode(text: string): string {
  return text.replace(/[\s\p{C}]+/gu, "").slice(0, 64);
}
