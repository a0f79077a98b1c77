// SPDX-License-Identifier: Apache-2.0
// The page with a network given to it: list, counts, and a relay that fails while it is open.
import { QueryClient, VueQueryPlugin } from "@tanstack/vue-query";
import { flushPromises, mount } from "@vue/test-utils";
import { afterEach, expect, it, vi } from "vitest";
import { createMemoryHistory, createRouter } from "vue-router";
import { i18n } from "@/shared/i18n";
import { words } from "@/features/network/words";
import { addWords } from "@/shared/i18n";
import type { Topology } from "@/features/network/calls";
import NetworkPage from "./NetworkPage.vue";

addWords(words);
afterEach(() => { vi.unstubAllGlobals(); });

function told(relay: number, meter: number): Topology {
  return {
    at: "2026-01-01T00:00:00Z", kinds: ["platform", "gateway", "concentrator", "dtu", "terminal", "relay", "meter"], states: ["well", "unknown", "failed", "cut_off", "warned"],
    kind: [1, 5, 6], parent: [-1, 0, 1], key: [1, 1, 7], number: ["9000000000000001", "1", "460000000001"], name: ["G", "", ""], state: [0, relay, meter], lat_e7: [null, null, null], lon_e7: [null, null, null], left_out: 0,
  };
}

it("shows a network, and says which node has just failed", async () => {
  let now = told(0, 0);
  vi.stubGlobal("ResizeObserver", class { observe() { /* no size */ } disconnect() { /* none */ } });
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(JSON.stringify(now), { status: 200, headers: { "content-type": "application/json" } })));
  const client = new QueryClient();
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: "/network", name: "network", component: NetworkPage }] });
  await router.push("/network");
  const page = mount(NetworkPage, { global: { plugins: [router, i18n, [VueQueryPlugin, { queryClient: client }]] } });
  await vi.waitFor(() => { expect(page.findAll("button.pick").map((one) => one.text())).toEqual(["G", "R1", "460000000001"]); });
  expect(page.find(".news").exists()).toBe(false);
  now = told(2, 3);
  await client.invalidateQueries({ queryKey: ["topology"] });
  await flushPromises();
  await vi.waitFor(() => { expect(page.find(".news").text()).toContain("R1"); });
  expect(page.findAll("button.pick").map((one) => one.text())).toEqual(["R1", "460000000001", "G"]);
  page.unmount();
});
