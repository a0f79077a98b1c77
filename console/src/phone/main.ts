// SPDX-License-Identifier: Apache-2.0
// The phone pages (ADR 0039): an app of their own that a phone keeps and opens without network.
import { createApp } from "vue";
import { createRouter, createWebHistory } from "vue-router";
import { watchTransport } from "@/api/transport";
import { words as fieldWords } from "@/features/field/words";
import { addWords, i18n, locale, setLocale } from "@/shared/i18n";
import PhoneApp from "./PhoneApp.vue";
import { me, sync, waiting, wake } from "./contact";
import { words } from "./parts/phoneWords";
import { watchWorker } from "./update";
import "./phone.css";

watchTransport({ reached: () => undefined, sessionOver: () => undefined, language: locale });
addWords(fieldWords);
addWords(words);
setLocale(locale(), { remember: false });

const router = createRouter({
  history: createWebHistory("/field/"),
  routes: [
    { path: "/", name: "home", component: () => import("./pages/PhoneHome.vue") },
    { path: "/sign-in", name: "sign-in", component: () => import("./pages/PhoneSignIn.vue") },
    { path: "/routes/:route(\\d+)", name: "route", component: () => import("./pages/RoutePage.vue") },
    { path: "/routes/:route(\\d+)/meters/:meter(\\d+)", name: "read", component: () => import("./pages/ReadPage.vue") },
    { path: "/orders/:order(\\d+)", name: "order", component: () => import("./pages/CrewPage.vue") },
    { path: "/install", name: "install", component: () => import("./pages/InstallPage.vue") },
    { path: "/test/:meter(\\d+)", name: "test", component: () => import("./pages/TestPage.vue") },
    { path: "/waiting", name: "waiting", component: () => import("./pages/QueuePage.vue") },
    { path: "/:rest(.*)*", redirect: "/" },
  ],
});
router.beforeEach((to) => (me.value === null && to.name !== "sign-in" ? { name: "sign-in" } : true));

await wake();
createApp(PhoneApp).use(i18n).use(router).mount("#app");
watchWorker("/field-worker.js", "/field/");
await router.isReady(); // what the first contact finds leads to pages of its own
void sync();
void navigator.storage?.persist?.(); // asks the browser not to clear what waits when space is short
window.addEventListener("online", () => void sync());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") void sync();
});
// Browsers do not always say so when the network is back: looked at every two seconds. Else three times a minute where something waits, or once.
let turn = 0;
let connected = navigator.onLine;
setInterval(() => {
  turn += 1;
  const back = navigator.onLine && !connected;
  connected = navigator.onLine;
  if (back || turn % (waiting.value.length > 0 ? 10 : 30) === 0) void sync();
}, 2_000);
