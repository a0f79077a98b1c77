// SPDX-License-Identifier: Apache-2.0
import { Connection } from "@element-plus/icons-vue";
import type { NavEntry } from "@/shared/pages";

export const nav: readonly NavEntry[] = [
  { page: "network", icon: Connection, order: 26.2 },
];
