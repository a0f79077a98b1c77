// SPDX-License-Identifier: Apache-2.0
// ZXing's readers of the codes that meters bear, and no others: the rest of the library stays out of the build.
import BinaryBitmap from "@zxing/library/esm/core/BinaryBitmap";
import DecodeHintType from "@zxing/library/esm/core/DecodeHintType";
import HybridBinarizer from "@zxing/library/esm/core/common/HybridBinarizer";
import RGBLuminanceSource from "@zxing/library/esm/core/RGBLuminanceSource";
import Code128Reader from "@zxing/library/esm/core/oned/Code128Reader";
import Code39Reader from "@zxing/library/esm/core/oned/Code39Reader";
import EAN13Reader from "@zxing/library/esm/core/oned/EAN13Reader";
import ITFReader from "@zxing/library/esm/core/oned/ITFReader";
import QRCodeReader from "@zxing/library/esm/core/qrcode/QRCodeReader";
import type { Frame } from "./scan";

const readers = [new Code128Reader(), new QRCodeReader(), new EAN13Reader(), new Code39Reader(), new ITFReader()];
const hints = new Map<DecodeHintType, unknown>([[DecodeHintType.TRY_HARDER, true]]);

/** The first code found; null: none. */
export function readBarCode({ data, width, height }: Frame): string | null {
  const grey = new Uint8ClampedArray(width * height);
  for (let at = 0; at < grey.length; at += 1) {
    const place = at * 4;
    grey[at] = ((data[place] ?? 0) + 2 * (data[place + 1] ?? 0) + (data[place + 2] ?? 0)) >> 2;
  }
  const source = new RGBLuminanceSource(grey, width, height);
  for (const reader of readers) {
    try {
      return reader.decode(new BinaryBitmap(new HybridBinarizer(source)), hints).getText();
    } catch {
      // not of this kind
    } finally {
      reader.reset();
    }
  }
  return null;
}
