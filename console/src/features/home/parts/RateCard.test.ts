// SPDX-License-Identifier: Apache-2.0
import { QueryClient, VueQueryPlugin } from "@tanstack/vue-query";
import { mount, RouterLinkStub } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { words } from "@/features/home/words";
import type { CollectionReport, CollectionRow } from "@/features/readings/calls";
import { addWords, i18n, setLocale } from "@/shared/i18n";
import RateCard from "./RateCard.vue";

addWords(words);

const now: CollectionRow = { key: "", name: "", expected: 20_952, received: 950, rate_ppm: 45_341, on_time: 948, late: 2, estimated: 0, partial: 0, missing: 20_002, not_due: 0, as_due: null };
const due = { expected: 952, received: 950, rate_ppm: 997_899, estimated: 0, partial: 0, missing: 2 };

async function shown(total: CollectionRow, running: boolean): Promise<string> {
  const report: CollectionReport = { day: "2026-05-10", by: "area", deadline: "2026-05-11T00:00:00Z", frozen_at: null, set_aside: 0, total, rows: [] };
  vi.stubGlobal("fetch", vi.fn(async () => new Response(JSON.stringify(report), { status: 200, headers: { "Content-Type": "application/json" } })));
  const card = mount(RateCard, {
    props: { title: "T", day: "2026-05-10", targetPpm: 980_000, running },
    global: { plugins: [i18n, [VueQueryPlugin, { queryClient: new QueryClient() }]], stubs: { RouterLink: RouterLinkStub } },
  });
  await vi.waitFor(() => { expect(card.text()).toContain("Expected"); });
  return card.text();
}

beforeEach(() => { setLocale("en"); });
afterEach(() => { vi.unstubAllGlobals(); });

describe("a day's reading rate", () => {
  it("is the one that was due, with what is now beside it", async () => {
    const text = await shown({ ...now, as_due: due }, false);
    expect(text).toContain("99.78%");
    expect(text).toContain("as of now 4.53% (950 of 20952)");
    expect(text).toContain("Expected952");
  });
  it("is of all who will be asked while the day is not due, and names those who are not", async () => {
    const text = await shown({ ...now, expected: 400, received: 400, rate_ppm: 1_000_000, missing: 0, not_due: 600 }, true);
    expect(text).toContain("40.00%");
    expect(text).toContain("Not due yet600");
  });
});
