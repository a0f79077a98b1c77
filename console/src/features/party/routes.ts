// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/customers", name: "customers", component: () => import("./pages/CustomerList.vue"), meta: { title: "party.customers", needs: "see_customers" } },
  { path: "/customers/new", name: "customer-new", component: () => import("./pages/CustomerForm.vue"), meta: { title: "party.addCustomer", needs: "manage_customers", under: "customers" } },
  { path: "/customers/:customerId(\\d+)", name: "customer", component: () => import("./pages/CustomerDetail.vue"), meta: { title: "party.customer", needs: "see_customers", under: "customers" } },
  { path: "/customers/:customerId(\\d+)/edit", name: "customer-edit", component: () => import("./pages/CustomerForm.vue"), meta: { title: "party.editCustomer", needs: "manage_customers", under: "customers" } },
  { path: "/accounts", name: "accounts", component: () => import("./pages/AccountList.vue"), meta: { title: "party.accounts", needs: "see_customers", under: "customers" } },
  { path: "/accounts/new", name: "account-new", component: () => import("./pages/AccountForm.vue"), meta: { title: "party.openAccount", needs: "manage_customers", under: "customers" } },
  { path: "/accounts/:accountId(\\d+)", name: "account", component: () => import("./pages/AccountDetail.vue"), meta: { title: "party.account", needs: "see_customers", under: "customers" } },
];
