// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/customers", name: "customers", component: () => import("./pages/CustomerList.vue"), meta: { title: "party.customers" } },
  { path: "/customers/new", name: "customer-new", component: () => import("./pages/CustomerForm.vue"), meta: { title: "party.addCustomer", under: "customers", least: "operator" } },
  { path: "/customers/:customerId(\\d+)", name: "customer", component: () => import("./pages/CustomerDetail.vue"), meta: { title: "party.customer", under: "customers" } },
  { path: "/customers/:customerId(\\d+)/edit", name: "customer-edit", component: () => import("./pages/CustomerForm.vue"), meta: { title: "party.editCustomer", under: "customers", least: "operator" } },
  { path: "/accounts", name: "accounts", component: () => import("./pages/AccountList.vue"), meta: { title: "party.accounts", under: "customers" } },
  { path: "/accounts/new", name: "account-new", component: () => import("./pages/AccountForm.vue"), meta: { title: "party.openAccount", under: "customers", least: "operator" } },
  { path: "/accounts/:accountId(\\d+)", name: "account", component: () => import("./pages/AccountDetail.vue"), meta: { title: "party.account", under: "customers" } },
];
