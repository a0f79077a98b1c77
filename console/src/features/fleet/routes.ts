// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/meters", name: "meters", component: () => import("./pages/MeterList.vue"), meta: { title: "meter.title" } },
  { path: "/meters/:meterId(\\d+)", name: "meter", component: () => import("./pages/MeterDetail.vue"), meta: { title: "meter.title", under: "meters" } },
  { path: "/meters/new", name: "meter-new", component: () => import("./pages/MeterForm.vue"), meta: { title: "form.create", under: "meters", least: "operator" } },
  { path: "/meters/:meterId(\\d+)/edit", name: "meter-edit", component: () => import("./pages/MeterForm.vue"), meta: { title: "form.edit", under: "meters", least: "operator" } },
  { path: "/meters/import", name: "meter-import", component: () => import("./pages/ImportPage.vue"), meta: { title: "imports.title", under: "meters", least: "operator" } },
  { path: "/meters/act/:kind(install|exchange|remove|move)", name: "meter-act", component: () => import("./pages/MeterAct.vue"), meta: { title: "life.title", under: "installations", least: "operator" } },
  { path: "/meters/due", name: "due-meters", component: () => import("./pages/DueList.vue"), meta: { title: "life.dueTitle" } },
  { path: "/installations", name: "installations", component: () => import("./pages/InstallationList.vue"), meta: { title: "life.installations" } },
  { path: "/monitors", name: "monitors", component: () => import("./pages/MonitorList.vue"), meta: { title: "monitor.title" } },
  { path: "/areas", name: "areas", component: () => import("./pages/AreaTree.vue"), meta: { title: "area.title" } },
  { path: "/premises", name: "premises", component: () => import("./pages/PremisesList.vue"), meta: { title: "premises.title", under: "areas" } },
  { path: "/premises/new", name: "premises-new", component: () => import("./pages/PremisesForm.vue"), meta: { title: "premises.add", under: "areas", least: "operator" } },
  { path: "/premises/:premisesId(\\d+)", name: "premises-edit", component: () => import("./pages/PremisesForm.vue"), meta: { title: "premises.one", under: "areas" } },
  { path: "/driver-pages", name: "driver-pages", component: () => import("./pages/DriverPages.vue"), meta: { title: "driverPage.title", under: "products" } },
  { path: "/concentrators", name: "concentrators", component: () => import("./pages/ConcentratorList.vue"), meta: { title: "concentrator.title" } },
  { path: "/concentrators/:concentratorId(\\d+)", name: "concentrator", component: () => import("./pages/ConcentratorDetail.vue"), meta: { title: "concentrator.one", under: "concentrators" } },
  { path: "/products", name: "products", component: () => import("./pages/ProductList.vue"), meta: { title: "catalog.title" } },
  { path: "/drivers/:maker/:model", name: "driver", component: () => import("./pages/DriverDetail.vue"), meta: { title: "catalog.drivers", under: "products" } },
];
