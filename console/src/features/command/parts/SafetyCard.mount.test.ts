// SPDX-License-Identifier: Apache-2.0
import { QueryClient, VueQueryPlugin } from "@tanstack/vue-query";
import { mount, RouterLinkStub } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Me } from "@/api/types";
import type { CommandParameter, MeterCommands, SafetyClosing } from "@/features/command/calls";
import { words } from "@/features/command/words";
import type { MeterDetail } from "@/features/fleet/calls";
import { addWords, i18n, setLocale } from "@/shared/i18n";
import { setSession } from "@/shared/session";
import SafetyCard from "./SafetyCard.vue";

addWords(words);

const meter = {
  meter_id: 7, number: "600100", medium: "gas", address: "3 Tower Lane", customer: { name: "City Hospital", is_protected: true, is_critical: true }, customer_name: null,
  removed_on: null, state: { balance: 245_000, balance_kind: 0 },
} as unknown as MeterDetail;
const parameter = (name: string, form: string, low: number, high: number, fallback: number | null): CommandParameter => (
  { name, form, unit: "", low, high, title_zh: name, title_en: name, default: fallback, most: 1, effect: "" }
);
const kinds: MeterCommands = {
  kinds: [{
    kind: "safety_close", title_zh: "安全关阀", title_en: "Close for safety", signed: true, priority: 1, validity_s: 86_400,
    parameters: [parameter("reason", "int", 1, 7, null), parameter("evidence", "prose", 5, 500, null), parameter("alarm_id", "int", 1, 2 ** 53, 0)],
  }],
  settings: [],
};
const standing: SafetyClosing = {
  safety_id: 1, meter_id: 7, number: "600100", command_id: 9, state: "confirmed", reason: 1, evidence: "用户报告燃气味", work_order: "", given_by: "ann",
  ordered_at: "2026-01-01T00:00:00Z", closed_at: "2026-01-01T00:00:20Z", failed_at: null, opened_at: null, lifted_at: null, inspected_by: "", agreed_by: "", lift_note: "",
};
const asked: { url: string; body: unknown }[] = [];

function serve(closings: SafetyClosing[]): void {
  vi.stubGlobal("fetch", vi.fn(async (url: string, init?: { body?: string }) => {
    if (init?.body) asked.push({ url, body: JSON.parse(init.body) });
    const body = url.includes("command-kinds") ? kinds
      : url.includes("site-inspection") ? { ...standing, lifted_at: "2026-01-01T01:00:00Z" }
        : url.includes("safety-closings") ? { items: closings, next: null }
          : { command: { command_id: 9 }, verdict: "needs_approval", reason: "two_persons" };
    return new Response(JSON.stringify(body), { status: 200, headers: { "Content-Type": "application/json" } });
  }));
}
async function show(text: string) {
  setSession({ permissions: ["inspect_sites", "give_commands"], zone: "Asia/Shanghai" } as Me);
  const shown = mount(SafetyCard, { props: { meter }, global: { plugins: [i18n, [VueQueryPlugin, { queryClient: new QueryClient() }]], stubs: { RouterLink: RouterLinkStub } } });
  await expect.poll(() => shown.text()).toContain(text);
  return shown;
}
type Shown = Awaited<ReturnType<typeof show>>;
const press = async (shown: Shown, text: string) => {
  await expect.poll(() => shown.findAll("button").some((one) => one.text() === text)).toBe(true);
  const button = shown.findAll("button").find((one) => one.text() === text);
  await (button?.attributes("type") === "submit" ? button.element.closest("form")?.dispatchEvent(new Event("submit", { cancelable: true })) : button?.trigger("click"));
};

beforeEach(() => { asked.length = 0; });
afterEach(() => { vi.unstubAllGlobals(); });

describe("safety closing at a meter", () => {
  it("asks for reason and evidence, says what happens, and is given with a sign-in", async () => {
    setLocale("en");
    serve([]);
    const shown = await show("Two persons");
    await press(shown, "Close for safety…");
    await press(shown, "Check");
    await expect.poll(() => shown.text()).toContain("Required");
    await shown.find('select[name="reason"]').setValue("1");
    await shown.find('textarea[name="evidence"]').setValue("用户报告燃气味");
    await press(shown, "Check");
    await expect.poll(() => shown.text()).toContain("Shuts off the gas of City Hospital");
    expect(shown.text()).toContain("It cannot be opened from afar afterwards");
    expect(shown.text()).not.toContain("Protected customer");
    await shown.find('input[name="signer-login"]').setValue("ann");
    await shown.find('input[name="signer-password"]').setValue("secret");
    await press(shown, "Give the command");
    await expect.poll(() => asked).toHaveLength(1);
    expect(asked[0]?.body).toMatchObject({ kind: "safety_close", params: { reason: 1, evidence: "用户报告燃气味" }, signer: { login: "ann" } });
    shown.unmount();
  });
  it("shows what stands, and is lifted by two persons", async () => {
    setLocale("zh");
    serve([standing]);
    const shown = await show("已安全关阀");
    expect(shown.text()).toContain("用户报告燃气味");
    expect(shown.text()).toContain("表具已关阀");
    await press(shown, "登记现场已检查…");
    await expect.poll(() => shown.findAll('input[name="signer-login"]')).toHaveLength(2);
    await shown.find('textarea[name="inspection"]').setValue("接头已更换，无泄漏");
    for (const [place, login] of ["ann", "ben"].entries()) {
      await shown.findAll('input[name="signer-login"]')[place]?.setValue(login);
      await shown.findAll('input[name="signer-password"]')[place]?.setValue(`${login}'s`);
    }
    await press(shown, "确认现场已检查");
    await expect.poll(() => asked).toHaveLength(1);
    expect(asked[0]?.body).toMatchObject({ note: "接头已更换，无泄漏", inspector: { login: "ann" }, approver: { login: "ben" } });
    shown.unmount();
  });
  it("says aloud that it was not carried out", async () => {
    setLocale("en");
    serve([{ ...standing, state: "failed", closed_at: null, failed_at: "2026-01-01T00:10:00Z" }]);
    const shown = await show("send somebody to shut the valve on the spot");
    shown.unmount();
  });
});
