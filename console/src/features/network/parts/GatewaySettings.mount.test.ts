// SPDX-License-Identifier: Apache-2.0
// A gateway's parameters: what is changed is sent with its reason, what is not is left out; what the server refuses stays to be corrected.
import { QueryClient, VueQueryPlugin } from "@tanstack/vue-query";
import { mount } from "@vue/test-utils";
import { afterEach, expect, it, vi } from "vitest";
import { addWords, i18n } from "@/shared/i18n";
import { setSession } from "@/shared/session";
import type { Me } from "@/api/types";
import { words } from "@/features/network/words";
import { words as page } from "./networkWords";
import GatewaySettings from "./GatewaySettings.vue";

addWords(words);
addWords(page);
afterEach(() => { vi.unstubAllGlobals(); setSession(null); });

const bounds = { title_zh: "次数", title_en: "Tries", unit: "", low: 1, high: 10, least: 0, most: 0, words: [] };
const told = {
  concentrator_id: 5, gateway: "9000000000000001", reported_at: "2026-01-01T00:00:00Z",
  parameters: [
    { ...bounds, name: "tries", form: "int", value: 3, needs_second: false },
    { ...bounds, name: "channels", form: "ints", title_zh: "信道", title_en: "Channels", value: [1, 2], needs_second: true },
  ],
};
const waiting = {
  command_id: 7, concentrator_id: 5, gateway: "9000000000000001", kind: "set_parameters", parameters: { channels: [3] }, unique_key: "k", state: "quarantined", reason: "second_person",
  named: "", note: "n", answer: null, attempts: 0, created_by: 2, given_by: "li", created_at: "2026-01-01T00:00:00Z", not_after: "2026-01-02T00:00:00Z", sent_at: null, ended_at: null,
};

it("sends what was changed, and offers what waits for a second person to another than its author", async () => {
  const sent: unknown[] = [];
  setSession({ user_id: 1, permissions: ["see_meters", "manage_concentrators", "approve_commands"], zone: "Asia/Shanghai", preferences: null } as unknown as Me);
  vi.stubGlobal("fetch", async (request: Request | string, init?: RequestInit) => {
    const url = typeof request === "string" ? request : request.url;
    const method = init?.method ?? (typeof request === "string" ? "GET" : request.method);
    if (method.toUpperCase() === "POST") {
      sent.push(JSON.parse(typeof init?.body === "string" ? init.body : typeof request === "string" ? "null" : await request.text()));
      return new Response(JSON.stringify({ ...waiting, history: [] }), { status: 201, headers: { "content-type": "application/json" } });
    }
    const body = url.includes("/parameters") ? told : { items: [waiting], next: null };
    return new Response(JSON.stringify(body), { status: 200, headers: { "content-type": "application/json" } });
  });
  const one = mount(GatewaySettings, { props: { concentratorId: 5 }, global: { plugins: [i18n, [VueQueryPlugin, { queryClient: new QueryClient() }]] } });
  await vi.waitFor(() => { expect(one.find<HTMLInputElement>("input[name=tries]").element.value).toBe("3"); });
  await vi.waitFor(() => { expect(one.findAll(".given li")).toHaveLength(1); });
  expect(one.findAll(".given li button")).toHaveLength(3);
  expect(one.find("button[type=submit]").attributes("disabled")).toBeDefined();
  await one.find("input[name=tries]").setValue("five");
  expect(one.find("[role=alert]").exists()).toBe(true);
  await one.find("input[name=tries]").setValue("5");
  await one.find("input[name=note]").setValue("夜间丢包");
  await one.find("form").trigger("submit");
  await vi.waitFor(() => { expect(sent).toHaveLength(1); });
  expect(sent[0]).toMatchObject({ kind: "set_parameters", parameters: { tries: 5 }, note: "夜间丢包" });
  one.unmount();
});
