// SPDX-License-Identifier: Apache-2.0
import { Position } from "@element-plus/icons-vue";
import type { NavEntry } from "@/shared/pages";

export const nav: readonly NavEntry[] = [
  { page: "commands", icon: Position, order: 80 },
];
