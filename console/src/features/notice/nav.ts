// SPDX-License-Identifier: Apache-2.0
import { Message, Promotion } from "@element-plus/icons-vue";
import type { NavEntry } from "@/shared/pages";

export const nav: readonly NavEntry[] = [
  { page: "inbox", icon: Message, order: 31 },
  { page: "notices", icon: Promotion, order: 32 },
];
