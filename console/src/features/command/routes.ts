// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/commands", name: "commands", component: () => import("./pages/CommandQueue.vue"), meta: { title: "command.title" } },
  { path: "/commands/:commandId(\\d+)", name: "command", component: () => import("./pages/CommandDetail.vue"), meta: { title: "command.title", under: "commands" } },
  { path: "/batches", name: "batches", component: () => import("./pages/BatchList.vue"), meta: { title: "command.batches", under: "commands" } },
  { path: "/batches/new", name: "batch-new", component: () => import("./pages/BatchForm.vue"), meta: { title: "command.newBatch", under: "commands", least: "operator" } },
  { path: "/batches/:batchId(\\d+)", name: "batch", component: () => import("./pages/BatchDetail.vue"), meta: { title: "command.batches", under: "commands" } },
  { path: "/approvals", name: "approvals", component: () => import("./pages/ApprovalInbox.vue"), meta: { title: "command.approvals", under: "commands", least: "operator" } },
  { path: "/command-stop", name: "command-stop", component: () => import("./pages/StopPage.vue"), meta: { title: "command.stopPage", under: "commands" } },
  { path: "/signed-facts", name: "signed-facts", component: () => import("./pages/SignedFacts.vue"), meta: { title: "command.facts.page", under: "commands", least: "operator" } },
  { path: "/command-policy", name: "command-policy", component: () => import("./pages/PolicyPage.vue"), meta: { title: "command.policy.page", under: "commands" } },
  { path: "/report-plan", name: "report-plan", component: () => import("./pages/ReportPlanner.vue"), meta: { title: "command.planner", under: "commands", least: "operator" } },
];
