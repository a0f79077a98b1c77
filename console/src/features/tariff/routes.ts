// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/tariffs", name: "tariffs", component: () => import("./pages/TariffList.vue"), meta: { title: "tariff.title", needs: "see_tariffs" } },
  { path: "/tariffs/:tariffId(\\d+)", name: "tariff", component: () => import("./pages/TariffDetail.vue"), meta: { title: "tariff.one", needs: "see_tariffs", under: "tariffs" } },
  { path: "/tariffs/:tariffId(\\d+)/plans/new", name: "plan-new", component: () => import("./pages/PlanForm.vue"), meta: { title: "tariff.draft", needs: "draft_tariffs", under: "tariffs" } },
  { path: "/tariff-plans/:planId(\\d+)", name: "plan", component: () => import("./pages/PlanDetail.vue"), meta: { title: "tariff.plan", needs: "see_tariffs", under: "tariffs" } },
];
