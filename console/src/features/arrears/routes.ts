// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/arrears", name: "arrears", component: () => import("./pages/StepList.vue"), meta: { title: "arrears.title", needs: "see_money" } },
  { path: "/arrears/simulation", name: "arrears-simulation", component: () => import("./pages/SimulationPage.vue"), meta: { title: "arrears.simulation", needs: "see_money", under: "arrears" } },
  { path: "/arrears/rules", name: "arrears-rules", component: () => import("./pages/ArrearsRules.vue"), meta: { title: "arrears.rules", needs: "see_money", under: "arrears" } },
  { path: "/arrears/days-off", name: "arrears-days-off", component: () => import("./pages/DaysOff.vue"), meta: { title: "arrears.daysOff", needs: "see_money", under: "arrears" } },
];
