// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/ledger", name: "ledger", component: () => import("./pages/TrialBalance.vue"), meta: { title: "ledger.title", needs: "see_money" } },
  { path: "/ledger/entries", name: "ledger-entries", component: () => import("./pages/EntryList.vue"), meta: { title: "ledger.entries", needs: "see_money", under: "ledger" } },
  { path: "/ledger/acts", name: "ledger-acts", component: () => import("./pages/ActList.vue"), meta: { title: "ledger.acts", needs: "see_money", under: "ledger" } },
];
