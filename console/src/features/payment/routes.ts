// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/counter", name: "counter", component: () => import("./pages/CounterPage.vue"), meta: { title: "payment.counter", needs: "see_money" } },
  { path: "/counter/receipts", name: "counter-receipts", component: () => import("./pages/ReceiptList.vue"), meta: { title: "payment.receipts", needs: "see_money", under: "counter" } },
];
