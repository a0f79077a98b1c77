// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/network", name: "network", component: () => import("./pages/NetworkPage.vue"), meta: { title: "network.title", needs: "see_meters" } },
];
