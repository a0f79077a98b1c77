// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/commands", name: "commands", component: () => import("./pages/CommandQueue.vue"), meta: { title: "command.title", needs: "see_commands" } },
  { path: "/commands/:commandId(\\d+)", name: "command", component: () => import("./pages/CommandDetail.vue"), meta: { title: "command.title", needs: "see_commands", under: "commands" } },
  { path: "/batches", name: "batches", component: () => import("./pages/BatchList.vue"), meta: { title: "command.batches", needs: "see_commands", under: "commands" } },
  { path: "/batches/new", name: "batch-new", component: () => import("./pages/BatchForm.vue"), meta: { title: "command.newBatch", needs: "give_commands", under: "commands" } },
  { path: "/batches/:batchId(\\d+)", name: "batch", component: () => import("./pages/BatchDetail.vue"), meta: { title: "command.batches", needs: "see_commands", under: "commands" } },
  { path: "/approvals", name: "approvals", component: () => import("./pages/ApprovalInbox.vue"), meta: { title: "command.approvals", needs: "approve_commands", under: "commands" } },
  { path: "/command-stop", name: "command-stop", component: () => import("./pages/StopPage.vue"), meta: { title: "command.stopPage", needs: "see_commands", under: "commands" } },
  { path: "/signed-facts", name: "signed-facts", component: () => import("./pages/SignedFacts.vue"), meta: { title: "command.facts.page", needs: "give_commands", under: "commands" } },
  { path: "/command-policy", name: "command-policy", component: () => import("./pages/PolicyPage.vue"), meta: { title: "command.policy.page", needs: "see_commands", under: "commands" } },
  { path: "/report-plan", name: "report-plan", component: () => import("./pages/ReportPlanner.vue"), meta: { title: "command.planner", needs: "give_commands", under: "commands" } },
];
