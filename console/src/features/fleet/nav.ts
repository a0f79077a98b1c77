// SPDX-License-Identifier: Apache-2.0
import { Calendar, Connection, DataLine, Files, Location, Odometer, SetUp, Share } from "@element-plus/icons-vue";
import type { NavEntry } from "@/shared/pages";

export const nav: readonly NavEntry[] = [
  { page: "meters", icon: Odometer, order: 20 },
  { page: "monitors", icon: DataLine, order: 25 },
  { page: "installations", icon: SetUp, order: 22 },
  { page: "due-meters", icon: Calendar, order: 23 },
  { page: "concentrators", icon: Connection, order: 26 },
  { page: "operator-platforms", icon: Share, order: 26.5 },
  { page: "areas", icon: Location, order: 27 },
  { page: "products", icon: Files, order: 70 },
];
