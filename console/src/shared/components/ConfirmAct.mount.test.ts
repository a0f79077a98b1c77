// SPDX-License-Identifier: Apache-2.0
import { flushPromises, mount } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Problem } from "@/api/problem";
import { asked, confirmAct, isReason, type Act } from "@/shared/confirmAct";
import { i18n, setLocale } from "@/shared/i18n";
import ConfirmAct from "./ConfirmAct.vue";

const act = (run: Act["run"], reason = true): Act => ({ title: "Disable Ann?", consequences: ["She cannot sign in."], wayBack: "Enable her again.", go: "Disable", reason, run });

async function shown(given: Act) {
  setLocale("en", { remember: false });
  const dialog = mount(ConfirmAct, { global: { plugins: [i18n] }, attachTo: document.body });
  const answer = confirmAct(given);
  await flushPromises();
  return { dialog, answer };
}

describe("a risky act", () => {
  afterEach(() => {
    asked.value?.end(false);
    document.body.innerHTML = "";
  });
  it("says what happens and the way back, and does nothing without a reason", async () => {
    const run = vi.fn(() => Promise.resolve());
    const { dialog, answer } = await shown(act(run));
    expect(dialog.text()).toContain("Disable Ann?");
    expect(dialog.text()).toContain("She cannot sign in.");
    expect(dialog.text()).toContain("Enable her again.");
    await dialog.find("textarea").setValue(" - ");
    await dialog.find("form").trigger("submit");
    expect(run).not.toHaveBeenCalled();
    expect(dialog.find("[role=alert]").text()).not.toBe("");
    await dialog.find("textarea").setValue(" left the company ");
    await dialog.find("form").trigger("submit");
    expect(await answer).toBe(true);
    expect(run).toHaveBeenCalledExactlyOnceWith("left the company");
    expect(asked.value).toBeNull();
  });
  it("keeps what was typed where the server refuses", async () => {
    const run = vi.fn(() => Promise.reject(new Problem(409, { title: "Last administrator" })));
    const { dialog } = await shown(act(run));
    await dialog.find("textarea").setValue("moved");
    await dialog.find("form").trigger("submit");
    await flushPromises();
    expect(dialog.find("[role=alert]").text()).toBe("Last administrator");
    expect((dialog.find("textarea").element as HTMLTextAreaElement).value).toBe("moved");
    expect(asked.value).not.toBeNull();
  });
  it("is thought better of", async () => {
    const run = vi.fn(() => Promise.resolve());
    const { dialog, answer } = await shown(act(run, false));
    expect(dialog.find("textarea").exists()).toBe(false);
    await dialog.findAll("button").at(-1)?.trigger("click");
    expect(await answer).toBe(false);
    expect(run).not.toHaveBeenCalled();
  });
  it("ends when the page shows it, and shows what is now where it is thought better of", async () => {
    let show: () => void = () => undefined;
    const renew = vi.fn(() => new Promise<void>((resolve) => { show = resolve; }));
    const { dialog, answer } = await shown({ ...act(() => Promise.resolve(), false), renew });
    await dialog.find("form").trigger("submit");
    await flushPromises();
    expect(renew).toHaveBeenCalledOnce();
    expect(asked.value).not.toBeNull(); // the button behind it still offers what is done
    show();
    expect(await answer).toBe(true);
    const other = confirmAct({ ...act(() => Promise.resolve(), false), renew });
    asked.value?.end(false);
    expect(await other).toBe(false);
    expect(renew).toHaveBeenCalledTimes(2);
  });
  it("takes two letters of any script for a reason", () => {
    expect(["停用", "ab", "A 1", "--", "", "a"].map(isReason)).toEqual([true, true, true, false, false, false]);
  });
});
