// SPDX-License-Identifier: Apache-2.0
import { Warning } from "@element-plus/icons-vue";
import type { NavEntry } from "@/shared/pages";

export const nav: readonly NavEntry[] = [
  { page: "arrears", icon: Warning, order: 87 },
];
