// SPDX-License-Identifier: Apache-2.0
// A client application is made of what the form says, after it was told what that means; its secret is shown once.
import { VueQueryPlugin } from "@tanstack/vue-query";
import { flushPromises, mount } from "@vue/test-utils";
import { afterEach, expect, it, vi } from "vitest";
import { defineComponent, h, type Component } from "vue";
import { createMemoryHistory, createRouter } from "vue-router";
import { asked as question } from "@/shared/confirmAct";
import { addWords, i18n, setLocale } from "@/shared/i18n";
import { routes } from "./routes";
import { words } from "./words";

addWords(words);
const permissions = [
  { code: "readings", zh: "读数", en: "Readings", permissions: [{ code: "see_readings", zh: "查看读数", en: "see readings" }] },
  { code: "people", zh: "人员", en: "People", permissions: [{ code: "manage_users", zh: "管理人员", en: "manage people" }] },
];
const sent: unknown[] = [];

afterEach(() => { vi.unstubAllGlobals(); });

it("is made of what was chosen, and tells what is not limited", async () => {
  setLocale("en", { remember: false });
  vi.stubGlobal("fetch", async (url: string, init?: { body?: string }) => {
    if (init?.body) sent.push(JSON.parse(init.body));
    const body = url.endsWith("/permissions") ? permissions : url.endsWith("/scopes") ? ["see_readings"]
      : url.endsWith("/applications") ? { application: { application_id: 7, name: "CIS" }, client_secret: "omcs_once" } : { items: [], next: null };
    return new Response(JSON.stringify(body), { status: url.endsWith("/applications") ? 201 : 200, headers: { "content-type": "application/json" } });
  });
  const blank = defineComponent({ render: () => h("div") });
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: "/", name: "applications", component: blank }, { path: "/:all(.*)*", component: blank }] });
  await router.push("/applications/new");
  const load = routes.find((page) => page.name === "application-new")?.component as () => Promise<{ default: Component }>;
  const page = mount((await load()).default, { global: { plugins: [i18n, VueQueryPlugin, router], stubs: { AreaField: true } } });
  await flushPromises();
  await flushPromises();
  expect(page.text()).toContain("see readings");
  expect(page.text()).not.toContain("manage people"); // what persons answer for is not offered
  await page.find("input[name=name]").setValue("CIS");
  await page.find("input[name=scope]").setValue(true);
  await page.find("textarea[name=meters]").setValue("600100\n\n 600101 ");
  await page.find("textarea[name=addresses]").setValue("192.0.2.0/24");
  await page.find("form").trigger("submit");
  const act = question.value?.act;
  expect(act?.consequences).toEqual(["It may: see readings", "It never ends."]);
  await act?.run("their readings");
  question.value?.end(true);
  await flushPromises();
  expect(sent).toEqual([{
    name: "CIS", scopes: ["see_readings"], places: [], media: [], products: [], meters: ["600100", "600101"], addresses: ["192.0.2.0/24"],
    rate: null, last_day: null, reason: "their readings",
  }]);
  expect(page.text()).toContain("omcs_once");
  expect(page.find("form").exists()).toBe(false);
  page.unmount();
});
