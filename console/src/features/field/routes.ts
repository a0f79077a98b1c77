// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/reading-routes", name: "readingRoutes", component: () => import("./pages/RouteList.vue"), meta: { title: "routes.title", needs: "see_readings" } },
];
