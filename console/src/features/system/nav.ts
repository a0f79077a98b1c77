// SPDX-License-Identifier: Apache-2.0
import { Setting } from "@element-plus/icons-vue";
import type { NavEntry } from "@/shared/pages";

export const nav: readonly NavEntry[] = [
  { page: "system", icon: Setting, order: 100 },
];
