// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/ledger", name: "ledger", component: () => import("./pages/TrialBalance.vue"), meta: { title: "ledger.title" } },
  { path: "/ledger/entries", name: "ledger-entries", component: () => import("./pages/EntryList.vue"), meta: { title: "ledger.entries", under: "ledger" } },
  { path: "/ledger/acts", name: "ledger-acts", component: () => import("./pages/ActList.vue"), meta: { title: "ledger.acts", under: "ledger" } },
];
