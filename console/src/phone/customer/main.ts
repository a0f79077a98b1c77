// SPDX-License-Identifier: Apache-2.0
// Customers' own pages (ADR 0059): an app of their own beside the field's, with a session of its own.
import { createApp } from "vue";
import { createRouter, createWebHistory } from "vue-router";
import { watchTransport } from "@/api/transport";
import { addWords, i18n, locale, setLocale } from "@/shared/i18n";
import { watchWorker } from "@/phone/update";
import CustomerApp from "./CustomerApp.vue";
import { me } from "./state";
import { words } from "./customerWords";
import "@/phone/phone.css";
import "./customer.css";

watchTransport({ reached: () => undefined, sessionOver: () => undefined, language: locale });
addWords(words);
setLocale(locale(), { remember: false });

const router = createRouter({
  history: createWebHistory("/my/"),
  routes: [
    { path: "/", name: "homes", component: () => import("./pages/HomesPage.vue") },
    { path: "/sign-in", name: "sign-in", component: () => import("./pages/SignInPage.vue") },
    { path: "/:account(\\d+)", name: "home", component: () => import("./pages/AccountPage.vue") },
    { path: "/:account(\\d+)/pay", name: "pay", component: () => import("./pages/PayPage.vue") },
    { path: "/:account(\\d+)/bills", name: "bills", component: () => import("./pages/BillsPage.vue") },
    { path: "/:account(\\d+)/requests", name: "requests", component: () => import("./pages/RequestsPage.vue") },
    { path: "/:rest(.*)*", redirect: "/" },
  ],
});
router.beforeEach((to) => (me.value === null && to.name !== "sign-in" ? { name: "sign-in" } : true));
createApp(CustomerApp).use(i18n).use(router).mount("#app");
watchWorker("/my-worker.js", "/my/");
