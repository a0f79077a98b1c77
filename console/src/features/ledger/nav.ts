// SPDX-License-Identifier: Apache-2.0
import { Notebook } from "@element-plus/icons-vue";
import type { NavEntry } from "@/shared/pages";

export const nav: readonly NavEntry[] = [
  { page: "ledger", icon: Notebook, order: 86 },
];
