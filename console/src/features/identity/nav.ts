// SPDX-License-Identifier: Apache-2.0
import { Document, Key, User } from "@element-plus/icons-vue";
import type { NavEntry } from "@/shared/pages";

export const nav: readonly NavEntry[] = [
  { page: "users", icon: User, order: 110 },
  { page: "tokens", icon: Key, order: 120 },
  { page: "audit", icon: Document, order: 130 },
];
