// SPDX-License-Identifier: Apache-2.0
import { User } from "@element-plus/icons-vue";
import type { NavEntry } from "@/shared/pages";

export const nav: readonly NavEntry[] = [{ page: "customers", icon: User, order: 28 }];
