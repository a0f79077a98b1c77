// SPDX-License-Identifier: Apache-2.0
import { QueryClient, VueQueryPlugin } from "@tanstack/vue-query";
import { flushPromises, mount } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Me } from "@/api/types";
import type { MeterObjects as Objects, ObjectDefinition, OperationResult } from "@/features/command/calls";
import { words } from "@/features/command/words";
import { addWords, i18n, setLocale } from "@/shared/i18n";
import { setSession } from "@/shared/session";
import MeterObjects from "./MeterObjects.vue";

addWords(words);

const definitions: ObjectDefinition[] = [{
  object_id: 3, urn: "urn:oma:lwm2m:oma:3:1.2", title_zh: "设备", title_en: "Device",
  resources: [
    { resource_id: 4, operations: "E", type: null, unit: "", many: false, title_zh: "重启", title_en: "Reboot", changeable: false },
    { resource_id: 9, operations: "R", type: "integer", unit: "%", many: false, title_zh: "电池电量", title_en: "Battery Level", changeable: false },
    { resource_id: 14, operations: "RW", type: "string", unit: "", many: false, title_zh: "时差", title_en: "UTC Offset", changeable: true },
  ],
}];
const awake: Objects = {
  endpoint: "urn:imei:860000000000001", version: "1.1", binding: "U", queue_mode: true, lifetime_s: 86400, registered_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z", heard_at: "2026-01-01T00:00:00Z", awake: true, node: 1, objects: [{ object_id: 3, version: "", instances: [0] }], observations: [],
};
const asked: { url: string; body: unknown }[] = [];

function serve(objects: Objects): void {
  vi.stubGlobal("fetch", vi.fn(async (url: string, init?: { body?: string }) => {
    asked.push({ url, body: init?.body ? JSON.parse(init.body) : null });
    const result: OperationResult = {
      operation: "read", path: "/3/0/9", ok: true, code: "2.05", content_format: 112, raw_hex: "", why: "", at: new Date().toISOString(), took_ms: 42,
      values: [{ path: "/3/0/9", type: "integer", value: "91", attributes: "", at: null }],
    };
    const body = url.includes("/lwm2m/objects") ? definitions : url.includes("/operations") ? result : objects;
    return new Response(JSON.stringify(body), { status: 200, headers: { "Content-Type": "application/json" } });
  }));
}

async function show(permissions: Me["permissions"]) {
  setSession({ permissions, zone: "Asia/Shanghai" } as Me);
  const shown = mount(MeterObjects, { props: { meterId: 7 }, global: { plugins: [i18n, [VueQueryPlugin, { queryClient: new QueryClient() }]] } });
  await expect.poll(() => shown.text()).toContain("Battery Level");
  return shown;
}
type Shown = Awaited<ReturnType<typeof show>>;
const buttons = (shown: Shown, text: string) => shown.findAll("button").filter((one) => one.text() === text);

beforeEach(() => {
  asked.length = 0;
  setLocale("en");
});
afterEach(() => { vi.unstubAllGlobals(); });

describe("object browser", () => {
  it("explains that a meter sleeps, and asks nothing of it", async () => {
    serve({ ...awake, awake: false });
    const shown = await show(["see_frames", "operate_meters"]);
    expect(shown.text()).toContain("Asleep");
    expect(buttons(shown, "Read").length).toBeGreaterThan(0);
    expect(buttons(shown, "Read").every((one) => one.attributes("disabled") !== undefined)).toBe(true);
    shown.unmount();
  });
  it("shows what was read, and how old it is", async () => {
    serve(awake);
    const shown = await show(["see_frames", "operate_meters"]);
    const row = shown.findAll("tbody tr").find((one) => one.text().includes("Battery Level"));
    await row?.findAll("button").find((one) => one.text() === "Read")?.trigger("click");
    await flushPromises();
    await expect.poll(() => row?.text()).toMatch(/91 %.*\d+ s ago/);
    expect(asked.find((one) => one.url.includes("/operations"))?.body).toEqual({ operation: "read", path: "/3/0/9", value: "", reason: "" });
    shown.unmount();
  });
  it("offers no write and no execute where a signed command is needed", async () => {
    serve(awake);
    const shown = await show(["see_frames", "operate_meters"]);
    expect(buttons(shown, "Execute")).toHaveLength(0);
    expect(buttons(shown, "Write")).toHaveLength(1);
    shown.unmount();
  });
  it("gives a viewer the list only", async () => {
    serve(awake);
    const shown = await show(["see_frames"]);
    expect(buttons(shown, "Read")).toHaveLength(0);
    shown.unmount();
  });
});
