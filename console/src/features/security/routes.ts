// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/terminals", name: "terminals", component: () => import("./pages/TerminalList.vue"), meta: { title: "security.title", needs: "see_security" } },
  { path: "/onboarding", name: "onboarding", component: () => import("./pages/OnboardingList.vue"), meta: { title: "security.onboarding", needs: "handle_security", under: "terminals" } },
  { path: "/refusals", name: "refusals", component: () => import("./pages/RefusalList.vue"), meta: { title: "security.refusals", needs: "handle_security", under: "terminals" } },
  { path: "/keys", name: "keys", component: () => import("./pages/KeyPage.vue"), meta: { title: "security.keys", needs: "manage_keys", under: "terminals" } },
];
