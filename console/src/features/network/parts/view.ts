// SPDX-License-Identifier: Apache-2.0
// The window on the picture: screen = (picture − origin) · scale. Pure.
export interface View { x: number; y: number; scale: number }

const LEAST = 0.01, MOST = 40;

/** All of it in the middle. */
export function fitted(width: number, height: number, screenWidth: number, screenHeight: number): View {
  const scale = Math.min(Math.max(Math.min(screenWidth / Math.max(width, 1), screenHeight / Math.max(height, 1)) * 0.94, LEAST), MOST);
  return { scale, x: width / 2 - screenWidth / 2 / scale, y: height / 2 - screenHeight / 2 / scale };
}

/** Larger or smaller; the point under (`sx`, `sy`) of the screen stays where it is. */
export function zoomed(view: View, factor: number, sx: number, sy: number): View {
  const scale = Math.min(Math.max(view.scale * factor, LEAST), MOST);
  return { scale, x: view.x + sx / view.scale - sx / scale, y: view.y + sy / view.scale - sy / scale };
}

export const moved = (view: View, dx: number, dy: number): View => ({ ...view, x: view.x - dx / view.scale, y: view.y - dy / view.scale });

/** The point of the picture in the middle of the screen, at least as large as given. */
export function centred(view: View, x: number, y: number, screenWidth: number, screenHeight: number, least: number): View {
  const scale = Math.max(view.scale, least);
  return { scale, x: x - screenWidth / 2 / scale, y: y - screenHeight / 2 / scale };
}

/** A round length of 60 to 150 screen points, for the map: metres and its width on the screen. */
export function ruler(scale: number): { metres: number; width: number } {
  const about = 100 / scale;
  const power = 10 ** Math.floor(Math.log10(about));
  const metres = [1, 2, 5, 10].map((times) => times * power).reduce((a, b) => (Math.abs(b - about) < Math.abs(a - about) ? b : a));
  return { metres, width: metres * scale };
}
