// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/sign-in", name: "sign-in", component: () => import("./pages/SignIn.vue"), meta: { title: "signIn.title", alone: true, open: true } },
  { path: "/password", name: "password", component: () => import("./pages/PasswordForm.vue"), meta: { title: "frame.changePassword", alone: true } },
  { path: "/profile", name: "profile", component: () => import("./pages/ProfilePage.vue"), meta: { title: "profile.title" } },
  { path: "/users", name: "users", component: () => import("./pages/UserList.vue"), meta: { title: "users.title", needs: "manage_users" } },
  { path: "/roles", name: "roles", component: () => import("./pages/RoleList.vue"), meta: { title: "roles.title", needs: "manage_users", under: "users" } },
  { path: "/applications", name: "applications", component: () => import("./pages/ApplicationList.vue"), meta: { title: "users.applications", needs: "manage_users", under: "users" } },
  { path: "/tokens", name: "tokens", component: () => import("./pages/TokenList.vue"), meta: { title: "tokens.title" } },
  { path: "/audit", name: "audit", component: () => import("./pages/AuditLog.vue"), meta: { title: "audit.title", needs: "see_trail" } },
];
