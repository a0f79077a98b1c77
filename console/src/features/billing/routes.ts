// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/billing", name: "billing", component: () => import("./pages/RunList.vue"), meta: { title: "billing.runs", needs: "see_money" } },
  { path: "/billing/runs/:id(\\d+)", name: "billing-run", component: () => import("./pages/RunPage.vue"), meta: { title: "billing.refusedOf", needs: "see_money", under: "billing" } },
  { path: "/billing/bills", name: "billing-bills", component: () => import("./pages/BillList.vue"), meta: { title: "billing.bills", needs: "see_money", under: "billing" } },
  { path: "/billing/bills/:id(\\d+)", name: "billing-bill", component: () => import("./pages/BillPage.vue"), meta: { title: "billing.bill", needs: "see_money", under: "billing" } },
  { path: "/billing/files", name: "billing-files", component: () => import("./pages/FileList.vue"), meta: { title: "billing.files", needs: "see_money", under: "billing" } },
  { path: "/billing/letterhead", name: "billing-letterhead", component: () => import("./pages/LetterheadPage.vue"), meta: { title: "billing.letterhead", needs: "see_money", under: "billing" } },
  { path: "/billing/invoice-settings", name: "billing-invoice-settings", component: () => import("./pages/InvoiceSettings.vue"), meta: { title: "billing.invoiceSettings", needs: "see_money", under: "billing" } },
  { path: "/billing/corrections", name: "billing-corrections", component: () => import("./pages/CorrectionList.vue"), meta: { title: "billing.corrections", needs: "see_money", under: "billing" } },
  { path: "/billing/server", name: "billing-server", component: () => import("./pages/ServerAccountList.vue"), meta: { title: "billing.server", needs: "see_money", under: "billing" } },
  { path: "/billing/server/:id(\\d+)", name: "billing-deductions", component: () => import("./pages/DeductionList.vue"), meta: { title: "billing.deductions", needs: "see_money", under: "billing" } },
  { path: "/billing/meter-balances", name: "billing-mirror", component: () => import("./pages/BalanceDifferences.vue"), meta: { title: "billing.mirror", needs: "see_money", under: "billing" } },
  { path: "/billing/meter-balances/:id(\\d+)", name: "billing-mirror-meter", component: () => import("./pages/MirroredDays.vue"), meta: { title: "billing.mirror", needs: "see_money", under: "billing" } },
  { path: "/billing/arrears", name: "billing-arrears", component: () => import("./pages/ArrearsList.vue"), meta: { title: "billing.arrears", needs: "see_money", under: "billing" } },
];
