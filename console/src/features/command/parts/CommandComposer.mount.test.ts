// SPDX-License-Identifier: Apache-2.0
import { VueQueryPlugin } from "@tanstack/vue-query";
import { flushPromises, mount } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CommandParameter, MeterCommands } from "@/features/command/calls";
import { words } from "@/features/command/words";
import type { MeterDetail } from "@/features/fleet/calls";
import { addWords, i18n, setLocale } from "@/shared/i18n";
import CommandComposer from "./CommandComposer.vue";

addWords(words);
const said = vi.hoisted((): { type: string; text: string }[] => []);
vi.mock("@/shared/toast", () => ({
  toastDone: (text: string) => said.push({ type: "success", text }),
  toastText: (text: string) => said.push({ type: "warning", text }),
  toastFailed: (text: string) => said.push({ type: "error", text }),
  toastOutcome: ({ came, text }: { came: string; text: string }) => said.push({ type: came, text }),
  toastProblem: () => said.push({ type: "error", text: "problem" }),
}));

const parameter = (name: string, more: Partial<CommandParameter>): CommandParameter => ({ name, form: "int", unit: "", low: 0, high: 1, title_zh: name, title_en: name, default: null, most: 1, effect: "", ...more });
const known: MeterCommands = {
  kinds: [
    { kind: "top_up", title_zh: "充值", title_en: "Top up", signed: true, priority: 1, validity_s: 3600, parameters: [parameter("amount", { unit: "fen or L", low: 1, high: 1_000_000_000 }), parameter("balance_kind", { default: 0 })] },
    { kind: "valve_close", title_zh: "关阀", title_en: "Close the valve", signed: true, priority: 1, validity_s: 3600, parameters: [] },
  ],
  settings: [],
};
const meter = (balanceKind: number | null) => ({ meter_id: 7, number: "A-7", address: "1 Main St", medium: "gas", customer: { name: "Li" }, customer_name: "Li", removed_on: null, state: { balance: 0, balance_kind: balanceKind, events: [] } }) as unknown as MeterDetail;
let answer: unknown;
const asked: { body: unknown }[] = [];

beforeEach(() => {
  said.length = 0;
  asked.length = 0;
  vi.stubGlobal("fetch", async (_url: string, init: RequestInit) => {
    asked.push({ body: typeof init.body === "string" ? JSON.parse(init.body) : null });
    return new Response(JSON.stringify(answer), { status: 201, headers: { "content-type": "application/json" } });
  });
});
afterEach(() => { vi.unstubAllGlobals(); });

async function composed(kind: string, balanceKind: number | null) {
  const shown = mount(CommandComposer, { props: { meter: meter(balanceKind), known }, global: { plugins: [i18n, VueQueryPlugin], stubs: { RouterLink: true } } });
  await shown.find('select[name="command-kind"]').setValue(kind);
  await flushPromises();
  return shown;
}
async function given(shown: Awaited<ReturnType<typeof composed>>) {
  await shown.find('input[name="signer-login"]').setValue("ann");
  await shown.find('input[name="signer-password"]').setValue("secret");
  await shown.findAll("form").at(-1)?.trigger("submit");
  await flushPromises();
}

describe("a top-up", () => {
  it("is typed in yuan, said with its amount, and given in fen", async () => {
    setLocale("zh", { remember: false });
    const shown = await composed("top_up", 0);
    await shown.find('input[name="amount"]').setValue("50.00");
    await shown.find("form").trigger("submit");
    await flushPromises();
    expect(shown.text()).toContain("将给 Li（1 Main St）的表充值 ¥50.00，恰好一次。");
    const command = { command_id: 3, kind: "top_up", params: { amount: 5000, balance_kind: 0 }, state: "drafted", reason: "" };
    answer = { ...command, command, verdict: "authorised", reason: "" };
    await given(shown);
    expect(said).toEqual([{ type: "success", text: "命令 3 已提交" }]);
    expect(asked[0]?.body).toMatchObject({ params: { amount: 5000, balance_kind: 0 } });
    shown.unmount();
  });
  it("is typed in cubic metres where the meter holds a volume, and shows no ¥", async () => {
    setLocale("en", { remember: false });
    const shown = await composed("top_up", 1);
    await shown.find('input[name="amount"]').setValue("12.345");
    await shown.find("form").trigger("submit");
    await flushPromises();
    expect(shown.text()).toContain("by 12.345 m³, exactly once");
    expect(shown.text()).not.toContain("¥");
    await shown.find('select[name="balance_kind"]').setValue("0");
    await shown.find('input[name="amount"]').setValue("12.34");
    await shown.find("form").trigger("submit");
    await flushPromises();
    expect(shown.text()).toContain("of another kind than the balance at the meter");
    shown.unmount();
  });
});

describe("a valve command that the signer refuses", () => {
  it("is an error with the reason and what to do, and is followed until it has ended", async () => {
    setLocale("en", { remember: false });
    const shown = await composed("valve_close", 0);
    await shown.find("form").trigger("submit");
    await flushPromises();
    answer = { command: { command_id: 9 }, command_id: 9, kind: "valve_close", params: {}, state: "failed", reason: "has_credit", verdict: "refused" };
    await given(shown);
    expect(said.filter((one) => one.type === "success")).toEqual([]);
    expect(said[0]).toMatchObject({ type: "failed" });
    expect(said[0]?.text).toMatch(/Command 9 was not let go · Signer: refused \(has credit, never closed\)\. Settle or check the balance/);
    await expect.poll(() => shown.find(".given").text()).toContain("Failed");
    expect(shown.find(".given").text()).toContain("Settle or check the balance");
    await flushPromises();
    expect(said).toHaveLength(1); // who gave it was told once
    shown.unmount();
  });
});
