// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/", name: "home", component: () => import("./pages/HomePage.vue"), meta: { title: "home.title", needs: "see_home" } },
];
