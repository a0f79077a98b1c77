// SPDX-License-Identifier: Apache-2.0
// What the server answers is what the chart is given, what the table shows and what the file is asked for.
import { VueQueryPlugin } from "@tanstack/vue-query";
import { flushPromises, mount } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createMemoryHistory, createRouter } from "vue-router";
import { words } from "@/features/readings/words";
import LinesChart from "@/shared/components/LinesChart.vue";
import { addWords, i18n, setLocale } from "@/shared/i18n";
import MeterQuantities from "./MeterQuantities.vue";

addWords(words);
const title = { zh: "间隔压力", en: "Interval pressure" };
const newest = { meter_id: 7, items: [{ point: "pressure", title, unit: "kPa", exponent: -1, at: "2026-05-01T01:00:00Z", value: 2499, quality: [] }] };
const series = {
  meter_id: 7, zone: "Asia/Shanghai",
  series: [{
    point: "pressure", title, unit: "kPa", exponent: -1,
    values: [
      { at: "2026-05-01T00:00:00Z", value: 2513, interval_s: 1800, quality: [] },
      { at: "2026-05-01T00:30:00Z", value: 2499, interval_s: 1800, quality: ["suspect"] },
      { at: "2026-05-01T01:00:00Z", value: null, interval_s: 1800, quality: ["missing"] },
    ],
  }],
};
const asked: string[] = [];

beforeEach(() => {
  asked.length = 0;
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url);
    return new Response(JSON.stringify(url.endsWith("/quantities") ? newest : series), { status: 200, headers: { "content-type": "application/json" } });
  });
});
afterEach(() => { vi.unstubAllGlobals(); });

async function shown(query: string) {
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: "/:all(.*)*", component: { template: "<div />" } }] });
  await router.push(`/meters/7?${query}`);
  const page = mount(MeterQuantities, { props: { meterId: 7, hasVolume: true }, global: { plugins: [i18n, VueQueryPlugin, router], stubs: { LinesChart: true } } });
  await flushPromises();
  await flushPromises();
  return page;
}

describe("quantities of a meter", () => {
  it("are asked for by name, drawn, listed and offered as a file", async () => {
    setLocale("en", { remember: false });
    const page = await shown("from=2026-05-01&to=2026-05-01&points=pressure,temperature");
    const question = asked.find((url) => url.includes("/series?")) ?? "";
    expect(question).toContain("points=pressure&points=temperature");
    const { lines } = page.getComponent(LinesChart).props() as { lines: { lines: readonly { name: string; unit: string; points: readonly (readonly [number, number | null])[] }[] } };
    expect(lines.lines.map(({ name, unit }) => [name, unit])).toEqual([["Interval pressure", "kPa"]]);
    expect(lines.lines[0]?.points.map(([, value]) => value)).toEqual([251.3, 249.9, null]);
    const cells = page.findAll("tr.line").map((row) => row.findAll("td").at(-1)?.text());
    expect(cells).toEqual(["—", "249.9 (suspect)", "251.3"]);
    expect(page.find("th.num").text()).toBe("Interval pressure (kPa)");
    const file = page.find('a[href*="series.csv"]').attributes("href") ?? "";
    expect(new URL(file, "http://x").searchParams.getAll("points")).toEqual(["pressure", "temperature"]);
    page.unmount();
  });

  it("are at first the first ones that the meter says, in the reader's language", async () => {
    setLocale("zh", { remember: false });
    const page = await shown("from=2026-05-01&to=2026-05-01");
    expect(asked.find((url) => url.includes("/series?"))).toContain("points=pressure&points=increments");
    expect(page.text()).toContain("间隔压力");
    page.unmount();
  });
});
