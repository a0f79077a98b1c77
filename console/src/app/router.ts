// SPDX-License-Identifier: Apache-2.0
// The way to each page, loaded when first opened. A page that needs a session leads to sign-in and back.
import { watch } from "vue";
import { createRouter, createWebHistory, type RouteLocationNormalized, type Router, type RouteRecordRaw } from "vue-router";
import { Problem } from "@/api/problem";
import type { Permission } from "@/api/types";
import { whoAmI } from "@/features/identity/calls";
import { i18n, setLocale } from "@/shared/i18n";
import { setSession, useSession } from "@/shared/session";
import { safeReturn } from "@/shared/urlState";
import { nav, pages } from "./collected";

export const routes: RouteRecordRaw[] = [
  ...pages.filter((page) => page.meta.alone === true),
  {
    path: "/",
    component: () => import("./AppFrame.vue"),
    children: [
      ...pages.filter((page) => page.meta.alone !== true),
      { path: "/:rest(.*)*", name: "not-found", component: () => import("./NotFound.vue"), meta: { title: "frame.notFound" } },
    ],
  },
];

/** The first page of the navigation that a person may open; one's own tokens are everybody's. */
function firstPage(may: (needed: Permission) => boolean): string {
  const needs = new Map(pages.map((page) => [page.name, page.meta.needs]));
  return nav.find(({ page }) => needs.get(page) === undefined || may(needs.get(page) as Permission))?.page ?? "tokens";
}

let asked = false; // the cookie is asked about once; after that sign-in and sign-out say what changes

async function guard(to: RouteLocationNormalized) {
  const session = useSession();
  if (!asked) {
    asked = true;
    try {
      const me = await whoAmI();
      setSession(me);
      setLocale(me.locale === "en" ? "en" : "zh", { remember: false });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setSession(null);
    }
  }
  const me = session.me.value;
  if (to.meta.open) return me !== null && !me.must_change ? safeReturn(to.query.to) : true;
  if (me === null) return { name: "sign-in", query: to.fullPath === "/" ? {} : { to: to.fullPath } };
  if (me.must_change && to.name !== "password") return { name: "password", query: { to: to.fullPath } };
  if (to.meta.needs !== undefined && !session.may(to.meta.needs)) return { name: firstPage(session.may) };
  return true;
}

/** `onSignedOut` drops what was fetched for the person who left. */
export function makeRouter(onSignedOut: () => void): Router {
  const router = createRouter({
    history: createWebHistory(),
    routes,
    scrollBehavior: (to, from, saved) => saved ?? (to.hash !== "" && to.path === from.path ? { el: to.hash, top: 64 } : { top: 0 }),
  });
  router.beforeEach(guard);
  const session = useSession();
  watch(session.me, (now, before) => {
    if (before !== null && now === null) {
      onSignedOut();
      const at = router.currentRoute.value;
      if (!at.meta.open) void router.push({ name: "sign-in", query: at.fullPath === "/" ? {} : { to: at.fullPath } });
    }
  });
  watch(
    () => [router.currentRoute.value.meta.title, i18n.global.locale.value] as const,
    ([title]) => {
      document.title = title === undefined ? "OpenMains" : `${i18n.global.t(title)} · OpenMains`;
    },
  );
  return router;
}
