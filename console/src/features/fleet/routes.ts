// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/meters", name: "meters", component: () => import("./pages/MeterList.vue"), meta: { title: "meter.title", needs: "see_meters" } },
  { path: "/meters/:meterId(\\d+)", name: "meter", component: () => import("./pages/MeterDetail.vue"), meta: { title: "meter.title", needs: "see_meters", under: "meters" } },
  { path: "/meters/new", name: "meter-new", component: () => import("./pages/MeterForm.vue"), meta: { title: "form.create", needs: "manage_meters", under: "meters" } },
  { path: "/meters/:meterId(\\d+)/edit", name: "meter-edit", component: () => import("./pages/MeterForm.vue"), meta: { title: "form.edit", needs: "manage_meters", under: "meters" } },
  { path: "/meters/import", name: "meter-import", component: () => import("./pages/ImportPage.vue"), meta: { title: "imports.title", needs: "manage_meters", under: "meters" } },
  { path: "/meters/act/:kind(install|exchange|remove|move)", name: "meter-act", component: () => import("./pages/MeterAct.vue"), meta: { title: "life.title", needs: "install_meters", under: "installations" } },
  { path: "/meters/due", name: "due-meters", component: () => import("./pages/DueList.vue"), meta: { title: "life.dueTitle", needs: "see_meters" } },
  { path: "/installations", name: "installations", component: () => import("./pages/InstallationList.vue"), meta: { title: "life.installations", needs: "see_meters" } },
  { path: "/monitors", name: "monitors", component: () => import("./pages/MonitorList.vue"), meta: { title: "monitor.title", needs: "see_meters" } },
  { path: "/areas", name: "areas", component: () => import("./pages/AreaTree.vue"), meta: { title: "area.title", needs: "see_places" } },
  { path: "/premises", name: "premises", component: () => import("./pages/PremisesList.vue"), meta: { title: "premises.title", needs: "see_premises", under: "areas" } },
  { path: "/premises/new", name: "premises-new", component: () => import("./pages/PremisesForm.vue"), meta: { title: "premises.add", needs: "manage_premises", under: "areas" } },
  { path: "/premises/:premisesId(\\d+)", name: "premises-edit", component: () => import("./pages/PremisesForm.vue"), meta: { title: "premises.one", needs: "see_premises", under: "areas" } },
  { path: "/concentrators", name: "concentrators", component: () => import("./pages/ConcentratorList.vue"), meta: { title: "concentrator.title", needs: "see_meters" } },
  { path: "/concentrators/:concentratorId(\\d+)", name: "concentrator", component: () => import("./pages/ConcentratorDetail.vue"), meta: { title: "concentrator.one", needs: "see_meters", under: "concentrators" } },
  { path: "/operator-platforms", name: "operator-platforms", component: () => import("./pages/OperatorPlatforms.vue"), meta: { title: "operatorPlatform.title", needs: "manage_operator_platforms" } },
  { path: "/products", name: "products", component: () => import("./pages/ProductList.vue"), meta: { title: "catalog.title", needs: "see_products" } },
  { path: "/driver-pages", name: "driver-pages", component: () => import("./pages/DriverPages.vue"), meta: { title: "driverPage.title", needs: "see_products", under: "products" } },
  { path: "/drivers/:maker/:model", name: "driver", component: () => import("./pages/DriverDetail.vue"), meta: { title: "catalog.drivers", needs: "see_products", under: "products" } },
  { path: "/users/:userId(\\d+)/reach", name: "user-reach", component: () => import("./pages/ReachForm.vue"), meta: { title: "users.reach", needs: "manage_users", under: "users" } },
  { path: "/applications/new", name: "application-new", component: () => import("./pages/ApplicationForm.vue"), meta: { title: "users.applicationNew", needs: "manage_users", under: "users" } },
  { path: "/applications/:applicationId(\\d+)", name: "application", component: () => import("./pages/ApplicationForm.vue"), meta: { title: "users.application", needs: "manage_users", under: "users" } },
];
