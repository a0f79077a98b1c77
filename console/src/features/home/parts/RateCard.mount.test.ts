// SPDX-License-Identifier: Apache-2.0
import { mount, RouterLinkStub } from "@vue/test-utils";
import { beforeEach, describe, expect, it } from "vitest";
import { words } from "@/features/home/words";
import type { CollectionRow } from "@/features/readings/calls";
import type { Figures } from "@/features/readings/judged";
import { addWords, i18n, setLocale } from "@/shared/i18n";
import RateCard from "./RateCard.vue";

addWords(words);
addWords({ report: { expected: ["应抄", "Expected"], received: ["实抄", "Received"], estimated: ["估算", "Estimated"], partial: ["不完整", "Partial"], missing: ["未抄", "Missing"], notDue: ["未到期", "Not due yet"] } });

const now: CollectionRow = { key: "", name: "", expected: 20_952, received: 950, rate_ppm: 45_341, on_time: 948, late: 2, estimated: 0, partial: 0, missing: 20_002, not_due: 0, as_due: null };
const due = { expected: 952, received: 950, rate_ppm: 997_899, estimated: 0, partial: 0, missing: 2 };

function shown(total: CollectionRow | null, asDue: Figures | null, running: boolean): string {
  return mount(RateCard, {
    props: { title: "T", day: "2026-05-10", deadline: "2026-05-11T00:00:00Z", total, asDue, targetPpm: 980_000, running },
    global: { plugins: [i18n], stubs: { RouterLink: RouterLinkStub } },
  }).text();
}

beforeEach(() => { setLocale("en"); });

describe("a day's reading rate", () => {
  it("is the one that was due, with what is now beside it where that is known", () => {
    const text = shown({ ...now, as_due: due }, due, false);
    expect(text).toContain("99.78%");
    expect(text).toContain("as of now 4.53% (950 of 20952)");
    expect(text).toContain("Expected952");
    expect(shown(null, due, false)).toContain("99.78%");
  });
  it("is of all who will be asked while the day is not due, and names those who are not", () => {
    const text = shown({ ...now, expected: 400, received: 400, rate_ppm: 1_000_000, missing: 0, not_due: 600 }, null, true);
    expect(text).toContain("40.00%");
    expect(text).toContain("Not due yet600");
  });
});
