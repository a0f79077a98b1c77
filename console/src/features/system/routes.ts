// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/system", name: "system", component: () => import("./pages/SystemPage.vue"), meta: { title: "system.title", needs: "see_system" } },
  { path: "/gallery", name: "gallery", component: () => import("./pages/GalleryPage.vue"), meta: { title: "gallery.title" } },
];
