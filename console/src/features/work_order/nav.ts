// SPDX-License-Identifier: Apache-2.0
import { Tools } from "@element-plus/icons-vue";
import type { NavEntry } from "@/shared/pages";

export const nav: readonly NavEntry[] = [
  { page: "work-orders", icon: Tools, order: 33 },
];
