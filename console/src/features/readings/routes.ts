// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/report", name: "report", component: () => import("./pages/CollectionReport.vue"), meta: { title: "report.title" } },
  { path: "/exceptions", name: "exceptions", component: () => import("./pages/ExceptionList.vue"), meta: { title: "exception.title" } },
  { path: "/edits", name: "edits", component: () => import("./pages/EditList.vue"), meta: { title: "edits.title" } },
  { path: "/manual-readings", name: "manual", component: () => import("./pages/ManualList.vue"), meta: { title: "manual.title" } },
  { path: "/gaps", name: "gaps", component: () => import("./pages/GapList.vue"), meta: { title: "gaps.title" } },
  { path: "/bulk", name: "bulk", component: () => import("./pages/BulkQuery.vue"), meta: { title: "bulk.title" } },
  { path: "/tasks", name: "tasks", component: () => import("./pages/TaskList.vue"), meta: { title: "tasks.title" } },
  { path: "/tasks/new", name: "taskForm", component: () => import("./pages/TaskForm.vue"), meta: { title: "tasks.set", least: "administrator", under: "tasks" } },
  { path: "/visits", name: "visits", component: () => import("./pages/VisitList.vue"), meta: { title: "visits.title" } },
];
