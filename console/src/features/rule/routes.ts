// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/rules", name: "rules", component: () => import("./pages/RuleList.vue"), meta: { needs: "see_rules", title: "rules.rules" } },
  { path: "/rules/new", name: "rule-new", component: () => import("./pages/RuleNew.vue"), meta: { needs: "manage_rules", title: "rules.add", under: "rules" } },
  { path: "/rules/proposals", name: "rule-proposals", component: () => import("./pages/ProposalList.vue"), meta: { needs: "see_commands", title: "rules.proposals", under: "rules" } },
  { path: "/rules/:ruleId(\\d+)", name: "rule", component: () => import("./pages/RuleDetail.vue"), meta: { needs: "see_rules", title: "rules.rule", under: "rules" } },
];
