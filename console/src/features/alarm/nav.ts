// SPDX-License-Identifier: Apache-2.0
import { Bell } from "@element-plus/icons-vue";
import type { NavEntry } from "@/shared/pages";

export const nav: readonly NavEntry[] = [
  { page: "alarms", icon: Bell, order: 30 },
];
