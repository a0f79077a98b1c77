// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/report", name: "report", component: () => import("./pages/CollectionReport.vue"), meta: { title: "report.title", needs: "see_sums" } },
  { path: "/exceptions", name: "exceptions", component: () => import("./pages/ExceptionList.vue"), meta: { title: "exception.title", needs: "see_readings" } },
  { path: "/edits", name: "edits", component: () => import("./pages/EditList.vue"), meta: { title: "edits.title", needs: "see_readings" } },
  { path: "/manual-readings", name: "manual", component: () => import("./pages/ManualList.vue"), meta: { title: "manual.title", needs: "see_readings" } },
  { path: "/gaps", name: "gaps", component: () => import("./pages/GapList.vue"), meta: { title: "gaps.title", needs: "see_readings" } },
  { path: "/bulk", name: "bulk", component: () => import("./pages/BulkQuery.vue"), meta: { title: "bulk.title", needs: "see_readings" } },
  { path: "/tasks", name: "tasks", component: () => import("./pages/TaskList.vue"), meta: { title: "tasks.title", needs: "see_readings" } },
  { path: "/tasks/new", name: "taskForm", component: () => import("./pages/TaskForm.vue"), meta: { title: "tasks.set", needs: "manage_tasks", under: "tasks" } },
  { path: "/visits", name: "visits", component: () => import("./pages/VisitList.vue"), meta: { title: "visits.title", needs: "see_readings" } },
];
