// SPDX-License-Identifier: Apache-2.0
import { CreditCard, Wallet } from "@element-plus/icons-vue";
import type { NavEntry } from "@/shared/pages";

export const nav: readonly NavEntry[] = [
  { page: "counter", icon: Wallet, order: 83 },
  { page: "payment-orders", icon: CreditCard, order: 88 },
];
