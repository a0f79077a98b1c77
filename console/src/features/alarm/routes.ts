// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/alarms", name: "alarms", component: () => import("./pages/AlarmList.vue"), meta: { title: "alarm.title" } },
  { path: "/products/:productId(\\d+)/limits", name: "product-limits", component: () => import("./pages/ProductLimits.vue"), meta: { title: "limits.title", under: "products" } },
];
