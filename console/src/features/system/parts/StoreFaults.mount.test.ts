// SPDX-License-Identifier: Apache-2.0
import { mount } from "@vue/test-utils";
import { afterEach, describe, expect, it } from "vitest";
import StoreFaults from "@/features/system/parts/StoreFaults.vue";
import { words } from "@/features/system/words";
import { addWords, i18n } from "@/shared/i18n";

addWords(words);
const ledger = { name: "signer.ledger", file: "signer/ledger.sqlite", at: "2026-11-29T03:00:00Z", state: "stands" as const, zh: "签名账本已损坏", en: "the ledger is damaged", blocks: true };
const shown = (faults: (typeof ledger)[]) => mount(StoreFaults, { props: { faults }, global: { plugins: [i18n] } });

describe("files that are not as we left them", () => {
  afterEach(() => { i18n.global.locale.value = "zh"; });

  it("says nothing while all is well", () => {
    expect(shown([]).text()).toBe("");
  });

  it("says in the reader's language what is lost, and that the system is not ready", () => {
    i18n.global.locale.value = "zh";
    expect(shown([ledger]).text()).toContain("签名账本已损坏");
    i18n.global.locale.value = "en";
    const text = shown([ledger]).text();
    expect(text).toContain("the ledger is damaged");
    expect(text).toContain("signer/ledger.sqlite");
    expect(text).toContain("/ready");
    expect(text).not.toContain("签名账本");
  });
});
