// SPDX-License-Identifier: Apache-2.0
// Where rights hold, as the forms of persons and applications keep it.
import { getArea } from "@/features/fleet/calls";

export const MEDIA = ["water", "gas"] as const;
export type Medium = (typeof MEDIA)[number];
export interface ReachPlace {
  id: number;
  name: string;
}

/** Places by their ids, each with its name. */
export const placesOf = (ids: readonly number[]): Promise<ReachPlace[]> =>
  Promise.all(ids.map(async (id) => ({ id, name: (await getArea(id, undefined)).name })));
