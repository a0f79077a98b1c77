// SPDX-License-Identifier: Apache-2.0
import { MapLocation } from "@element-plus/icons-vue";
import type { NavEntry } from "@/shared/pages";

export const nav: readonly NavEntry[] = [{ page: "readingRoutes", icon: MapLocation, order: 63 }];
