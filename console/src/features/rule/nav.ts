// SPDX-License-Identifier: Apache-2.0
import { SetUp } from "@element-plus/icons-vue";
import type { NavEntry } from "@/shared/pages";

export const nav: readonly NavEntry[] = [{ page: "rules", icon: SetUp, order: 34 }];
