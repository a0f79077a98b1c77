// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/counter", name: "counter", component: () => import("./pages/CounterPage.vue"), meta: { title: "payment.counter", needs: "see_money" } },
  { path: "/counter/receipts", name: "counter-receipts", component: () => import("./pages/ReceiptList.vue"), meta: { title: "payment.receipts", needs: "see_money", under: "counter" } },
  { path: "/payments", name: "payment-orders", component: () => import("./pages/PaymentOrders.vue"), meta: { title: "payment.orders", needs: "see_money" } },
  { path: "/payments/orders/:id(\\d+)", name: "payment-order", component: () => import("./pages/OrderPage.vue"), meta: { title: "payment.order", needs: "see_money", under: "payment-orders" } },
  { path: "/payments/refunds", name: "payment-refunds", component: () => import("./pages/RefundList.vue"), meta: { title: "payment.refunds", needs: "see_money", under: "payment-orders" } },
  { path: "/payments/differences", name: "payment-differences", component: () => import("./pages/DifferenceList.vue"), meta: { title: "payment.comparison", needs: "see_money", under: "payment-orders" } },
  { path: "/payments/debits", name: "debit-files", component: () => import("./pages/DebitFiles.vue"), meta: { title: "payment.debitFiles", needs: "see_money", under: "payment-orders" } },
  { path: "/payments/debits/:id(\\d+)", name: "debit-file", component: () => import("./pages/DebitFile.vue"), meta: { title: "payment.debitFile", needs: "see_money", under: "payment-orders" } },
  { path: "/payments/debit-authorisations", name: "debit-authorisations", component: () => import("./pages/DebitAuthorisations.vue"), meta: { title: "payment.authorisations", needs: "see_money", under: "payment-orders" } },
  { path: "/payments/partners", name: "payment-partners", component: () => import("./pages/PaymentPartners.vue"), meta: { title: "payment.partners", needs: "see_money", under: "payment-orders" } },
  { path: "/payments/channels", name: "payment-channels", component: () => import("./pages/PayChannels.vue"), meta: { title: "payment.payChannels", needs: "see_money", under: "payment-orders" } },
];
