// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/work-orders", name: "work-orders", component: () => import("./pages/OrderList.vue"), meta: { needs: "see_orders", title: "order.title" } },
  { path: "/work-orders/new", name: "work-order-new", component: () => import("./pages/OrderNew.vue"), meta: { needs: "handle_orders", title: "order.make", under: "work-orders" } },
  { path: "/work-orders/:orderId(\\d+)", name: "work-order", component: () => import("./pages/OrderDetail.vue"), meta: { needs: "see_orders", title: "order.detail", under: "work-orders" } },
  { path: "/hazards", name: "hazards", component: () => import("./pages/HazardList.vue"), meta: { needs: "see_orders", title: "order.hazards", under: "work-orders" } },
  { path: "/inspection-plans", name: "inspection-plans", component: () => import("./pages/PlanList.vue"), meta: { needs: "see_orders", title: "order.plans", under: "work-orders" } },
  { path: "/technicians", name: "technicians", component: () => import("./pages/TechnicianList.vue"), meta: { needs: "see_orders", title: "order.technicians", under: "work-orders" } },
];
