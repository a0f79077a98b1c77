// SPDX-License-Identifier: Apache-2.0
// Words of the map of a group. They come with it.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  placeMap: {
    title: ["各区域的告警数，上北下南", "Alarms by area, north at the top"],
    unknown: ["{n} 条无坐标", "{n} without a position"],
  },
} satisfies Words;
