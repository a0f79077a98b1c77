// SPDX-License-Identifier: Apache-2.0
import { QueryClient, VueQueryPlugin } from "@tanstack/vue-query";
import { createApp } from "vue";
import { Problem } from "@/api/problem";
import { watchTransport } from "@/api/transport";
import { addWords, i18n, locale, setLocale } from "@/shared/i18n";
import { METER_PARTS } from "@/shared/meterPage";
import { OWN_PARTS } from "@/shared/ownPage";
import { noteReached } from "@/shared/online";
import { markExpired, sessionNumber } from "@/shared/session";
import { startTheme } from "@/shared/theme";
import App from "./App.vue";
import { meterParts, ownParts, words } from "./collected";
import { makeRouter } from "./router";
import "element-plus/theme-chalk/dark/css-vars.css";
import "@/shared/styles/base.css";

startTheme();
for (const one of words.values()) addWords(one);
setLocale(locale(), { remember: false });
document.documentElement.lang = locale() === "zh" ? "zh-CN" : "en";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      refetchOnWindowFocus: false,
      // What the server refused will be refused again; a lost connection or an overloaded server may come back.
      retry: (failures, error) => failures < 2 && (!(error instanceof Problem) || error.isLostConnection || error.status >= 500),
    },
  },
});

// An act of one page changes what others show: each asks anew when it is opened next, however short the time since.
const changed = (): void => void queries.invalidateQueries({ refetchType: "none" });
watchTransport({ reached: noteReached, sessionOver: markExpired, session: sessionNumber, language: locale, changed });

const router = makeRouter(() => {
  queries.clear();
});
// The code of the page and of its frame comes while the session is asked about, not after it.
for (const { components } of router.resolve(window.location.pathname).matched) {
  const load: unknown = components?.default;
  if (typeof load === "function") void (load as () => Promise<unknown>)();
}
createApp(App).provide(METER_PARTS, meterParts).provide(OWN_PARTS, ownParts).use(i18n).use(VueQueryPlugin, { queryClient: queries }).use(router).mount("#app");
