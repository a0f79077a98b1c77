// SPDX-License-Identifier: Apache-2.0
import { House } from "@element-plus/icons-vue";
import type { NavEntry } from "@/shared/pages";

export const nav: readonly NavEntry[] = [
  { page: "home", icon: House, order: 10 },
];
