// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/meters", name: "meters", component: () => import("./pages/MeterList.vue"), meta: { title: "meter.title" } },
  { path: "/meters/:meterId(\\d+)", name: "meter", component: () => import("./pages/MeterDetail.vue"), meta: { title: "meter.title", under: "meters" } },
  { path: "/meters/new", name: "meter-new", component: () => import("./pages/MeterForm.vue"), meta: { title: "form.create", under: "meters", least: "operator" } },
  { path: "/meters/:meterId(\\d+)/edit", name: "meter-edit", component: () => import("./pages/MeterForm.vue"), meta: { title: "form.edit", under: "meters", least: "operator" } },
  { path: "/meters/import", name: "meter-import", component: () => import("./pages/ImportPage.vue"), meta: { title: "imports.title", under: "meters", least: "operator" } },
  { path: "/monitors", name: "monitors", component: () => import("./pages/MonitorList.vue"), meta: { title: "monitor.title" } },
  { path: "/products", name: "products", component: () => import("./pages/ProductList.vue"), meta: { title: "catalog.title" } },
  { path: "/drivers/:maker/:model", name: "driver", component: () => import("./pages/DriverDetail.vue"), meta: { title: "catalog.drivers", under: "products" } },
];
