// SPDX-License-Identifier: Apache-2.0
// Pictures are made small on the phone, also so that nothing of the camera's own notes (place, device) goes along.
const LARGEST_SIDE = 1600;
/** Below what the platform takes. */
const LARGEST_BYTES = 600_000;

function blobOf(canvas: HTMLCanvasElement, media: string, quality?: number): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob === null) reject(new Error("the picture could not be made"));
      else resolve(blob);
    }, media, quality);
  });
}

/** A photograph as JPEG of at most 600 kB. Throws for what is no picture. */
export async function smallPhoto(file: Blob): Promise<Blob> {
  const image = await createImageBitmap(file);
  let side = LARGEST_SIDE;
  for (let quality = 0.75; ; quality -= 0.15) {
    const scale = Math.min(1, side / Math.max(image.width, image.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(image.width * scale));
    canvas.height = Math.max(1, Math.round(image.height * scale));
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await blobOf(canvas, "image/jpeg", quality);
    if (blob.size <= LARGEST_BYTES) {
      image.close();
      return blob;
    }
    if (quality < 0.4) {
      quality = 0.75;
      side /= 2;
    }
  }
}

export const signatureOf = (canvas: HTMLCanvasElement): Promise<Blob> => blobOf(canvas, "image/png");
