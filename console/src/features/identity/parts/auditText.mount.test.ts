// SPDX-License-Identifier: Apache-2.0
import { mount } from "@vue/test-utils";
import { expect, it } from "vitest";
import { defineComponent } from "vue";
import { i18n, setLocale } from "@/shared/i18n";
import { changesBetween, type Change } from "./auditChanges";
import { fieldKey, useAuditText } from "./auditText";

it("writes the trail with units, words and the utility's clock", () => {
  setLocale("zh", { remember: false });
  const after = { kind: "top_up", params: { amount: 5000, balance_kind: 0 }, is_protected: true, not_after: "2026-01-01T00:00:00Z", serial: null };
  let changes: Change[] = [];
  mount(defineComponent({
    setup() {
      changes = changesBetween(null, after, useAuditText()({ object_type: "command", before: null, after }));
      return () => null;
    },
  }), { global: { plugins: [i18n] } });
  expect(Object.fromEntries(changes.map((change) => [change.field, change.after]))).toMatchObject({ params: "¥50.00", is_protected: "是" });
  expect(changes.find((change) => change.field === "not_after")?.after).toMatch(/^2026-01-01 \d\d:00:00$/);
});

it("calls a number a meter's only where the object has a meter's", () => {
  const name = (object: string) => i18n.global.t(fieldKey(object, "number"));
  setLocale("en", { remember: false });
  expect([name("meter"), name("reading_edit"), name("account"), name("tariff_plan")]).toEqual(["Meter number", "Meter number", "Account number", "Number"]);
  setLocale("zh", { remember: false });
});
