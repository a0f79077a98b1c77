// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/alarms", name: "alarms", component: () => import("./pages/AlarmList.vue"), meta: { title: "alarm.title", needs: "see_alarms" } },
  { path: "/alarms/:alarmId(\\d+)", name: "alarm", component: () => import("./pages/AlarmDetail.vue"), meta: { title: "alarm.detail", needs: "see_alarms", under: "alarms" } },
  { path: "/alarm-groups/:groupId(\\d+)", name: "alarm-group", component: () => import("./pages/GroupDetail.vue"), meta: { title: "alarm.group", needs: "see_alarms", under: "alarms" } },
  { path: "/alarm-mutes", name: "alarm-mutes", component: () => import("./pages/MuteList.vue"), meta: { title: "alarm.mutes", needs: "see_alarms", under: "alarms" } },
  { path: "/products/:productId(\\d+)/limits", name: "product-limits", component: () => import("./pages/ProductLimits.vue"), meta: { title: "limits.title", needs: "see_products", under: "products" } },
];
