// SPDX-License-Identifier: Apache-2.0
import { Tickets } from "@element-plus/icons-vue";
import type { NavEntry } from "@/shared/pages";

export const nav: readonly NavEntry[] = [
  { page: "billing", icon: Tickets, order: 85 },
];
