// SPDX-License-Identifier: Apache-2.0
import { PriceTag } from "@element-plus/icons-vue";
import type { NavEntry } from "@/shared/pages";

export const nav: readonly NavEntry[] = [
  { page: "tariffs", icon: PriceTag, order: 84 },
];
