// SPDX-License-Identifier: Apache-2.0
// The trail in words: with the words of all features, as the page has them.
import { mount } from "@vue/test-utils";
import { expect, it } from "vitest";
import { defineComponent } from "vue";
import { changesBetween, type Change } from "@/features/identity/parts/auditChanges";
import { useAuditText } from "@/features/identity/parts/auditText";
import { addWords, i18n, setLocale } from "@/shared/i18n";
import { words } from "./collected";

for (const more of words.values()) addWords(more);

function written(object_type: string, after: unknown): Record<string, string> {
  let changes: Change[] = [];
  mount(defineComponent({
    setup() {
      changes = changesBetween(null, after, useAuditText()({ object_type, before: null, after }));
      return () => null;
    },
  }), { global: { plugins: [i18n] } });
  return Object.fromEntries(changes.map((change) => [change.field, change.after]));
}

it("shows no raw code and no number without its unit, whatever the object", () => {
  setLocale("en", { remember: false });
  expect(written("ledger_act", { kind: "refund", fen: -1250, state: "pending", channel: "cash" })).toEqual({ kind: "Refund", fen: "−¥12.50", state: "waits for approval", channel: "Cash" });
  expect(written("alarm", { severity: "critical", event: "low_battery" })).toEqual({ severity: "Critical", event: "Low battery" });
  expect(written("tariff_plan", { prices: [25000, 31000], tier_from: [0, 300], version: 2 })).toMatchObject({ prices: "0–300 m³ ¥2.5000/m³, from 300 m³ ¥3.1000/m³" });
  expect(written("command", { office_from: 480, office_days: [0, 4], daily_share_ppm: 20_000, hold_s: 3600 })).toEqual({ office_from: "08:00", office_days: "Mon, Fri", daily_share_ppm: "2.0000%", hold_s: "1 h" });
  expect(written("job", { kind: "meter_import", params: { file_name: "a.csv", partial: true } })).toEqual({ kind: "Import of meters", params: "File: a.csv; Keeps good rows: yes" });
  expect(written("reading_exception", { status: "open", rule: "spike", day: 20_700 })).toEqual({ status: "Open", rule: "Spike", day: "2026-09-04" });
  setLocale("zh", { remember: false });
});
