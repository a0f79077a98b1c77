// SPDX-License-Identifier: Apache-2.0
import { Lock } from "@element-plus/icons-vue";
import type { NavEntry } from "@/shared/pages";

export const nav: readonly NavEntry[] = [
  { page: "terminals", icon: Lock, order: 90 },
];
