// SPDX-License-Identifier: Apache-2.0
// Pages, each loaded when first opened. A page that needs a session leads to sign-in and back.
import { watch } from "vue";
import { createRouter, createWebHistory, type RouteLocationNormalized, type Router } from "vue-router";
import { Problem } from "@/api/problem";
import type { Role } from "@/api/types";
import { whoAmI } from "@/features/identity/calls";
import { i18n, setLocale } from "@/shared/i18n";
import { setSession, useSession } from "@/shared/session";
import { safeReturn } from "@/shared/urlState";

declare module "vue-router" {
  interface RouteMeta {
    /** Key of the page's title. */
    title: string;
    /** Least role that may open the page; viewer when absent. */
    least?: Role;
    /** Open without a session. */
    open?: boolean;
  }
}

export const routes = [
  { path: "/sign-in", name: "sign-in", component: () => import("@/features/identity/pages/SignIn.vue"), meta: { title: "signIn.title", open: true } },
  { path: "/password", name: "password", component: () => import("@/features/identity/pages/PasswordForm.vue"), meta: { title: "frame.changePassword" } },
  {
    path: "/",
    component: () => import("./AppFrame.vue"),
    children: [
      { path: "", name: "home", component: () => import("@/features/home/pages/HomePage.vue"), meta: { title: "home.title" } },
      { path: "meters", name: "meters", component: () => import("@/features/fleet/pages/MeterList.vue"), meta: { title: "meter.title" } },
      { path: "meters/:meterId(\\d+)", name: "meter", component: () => import("@/features/fleet/pages/MeterDetail.vue"), meta: { title: "meter.title" } },
      { path: "meters/new", name: "meter-new", component: () => import("@/features/fleet/pages/MeterForm.vue"), meta: { title: "form.create", least: "operator" as const } },
      { path: "meters/:meterId(\\d+)/edit", name: "meter-edit", component: () => import("@/features/fleet/pages/MeterForm.vue"), meta: { title: "form.edit", least: "operator" as const } },
      { path: "meters/import", name: "meter-import", component: () => import("@/features/fleet/pages/ImportPage.vue"), meta: { title: "imports.title", least: "operator" as const } },
      { path: "alarms", name: "alarms", component: () => import("@/features/alarm/pages/AlarmList.vue"), meta: { title: "alarm.title" } },
      { path: "report", name: "report", component: () => import("@/features/readings/pages/CollectionReport.vue"), meta: { title: "report.title" } },
      { path: "exceptions", name: "exceptions", component: () => import("@/features/readings/pages/ExceptionList.vue"), meta: { title: "exception.title" } },
      { path: "gaps", name: "gaps", component: () => import("@/features/readings/pages/GapList.vue"), meta: { title: "gaps.title" } },
      { path: "commands", name: "commands", component: () => import("@/features/command/pages/CommandQueue.vue"), meta: { title: "command.title" } },
      { path: "commands/:commandId(\\d+)", name: "command", component: () => import("@/features/command/pages/CommandDetail.vue"), meta: { title: "command.title" } },
      { path: "batches", name: "batches", component: () => import("@/features/command/pages/BatchList.vue"), meta: { title: "command.batches" } },
      { path: "batches/new", name: "batch-new", component: () => import("@/features/command/pages/BatchForm.vue"), meta: { title: "command.newBatch", least: "operator" as const } },
      { path: "batches/:batchId(\\d+)", name: "batch", component: () => import("@/features/command/pages/BatchDetail.vue"), meta: { title: "command.batches" } },
      { path: "approvals", name: "approvals", component: () => import("@/features/command/pages/ApprovalInbox.vue"), meta: { title: "command.approvals", least: "operator" as const } },
      { path: "command-stop", name: "command-stop", component: () => import("@/features/command/pages/StopPage.vue"), meta: { title: "command.stopPage" } },
      { path: "report-plan", name: "report-plan", component: () => import("@/features/command/pages/ReportPlanner.vue"), meta: { title: "command.planner", least: "operator" as const } },
      { path: "terminals", name: "terminals", component: () => import("@/features/security/pages/TerminalList.vue"), meta: { title: "security.title" } },
      { path: "onboarding", name: "onboarding", component: () => import("@/features/security/pages/OnboardingList.vue"), meta: { title: "security.onboarding", least: "operator" as const } },
      { path: "keys", name: "keys", component: () => import("@/features/security/pages/KeyPage.vue"), meta: { title: "security.keys", least: "administrator" as const } },
      { path: "products", name: "products", component: () => import("@/features/fleet/pages/ProductList.vue"), meta: { title: "catalog.title" } },
      { path: "drivers/:maker/:model", name: "driver", component: () => import("@/features/fleet/pages/DriverDetail.vue"), meta: { title: "catalog.drivers" } },
      { path: "system", name: "system", component: () => import("@/features/system/pages/SystemPage.vue"), meta: { title: "system.title", least: "operator" as const } },
      { path: "users", name: "users", component: () => import("@/features/identity/pages/UserList.vue"), meta: { title: "users.title", least: "administrator" as const } },
      { path: "tokens", name: "tokens", component: () => import("@/features/identity/pages/TokenList.vue"), meta: { title: "tokens.title" } },
      { path: "audit", name: "audit", component: () => import("@/features/identity/pages/AuditLog.vue"), meta: { title: "audit.title", least: "administrator" as const } },
      { path: "gallery", name: "gallery", component: () => import("@/features/system/pages/GalleryPage.vue"), meta: { title: "gallery.title" } },
      { path: ":rest(.*)*", name: "not-found", component: () => import("./NotFound.vue"), meta: { title: "frame.notFound" } },
    ],
  },
];

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
  if (to.meta.least !== undefined && !session.may(to.meta.least)) return { name: "home" };
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
