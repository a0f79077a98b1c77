// SPDX-License-Identifier: Apache-2.0
import { mount } from "@vue/test-utils";
import { afterEach, describe, expect, it } from "vitest";
import { defineComponent, h } from "vue";
import type { MeterDetail } from "@/features/fleet/calls";
import { words } from "@/features/fleet/words";
import { addWords, i18n, setLocale } from "@/shared/i18n";
import MeterSigns from "./MeterSigns.vue";
import SignTag from "./SignTag.vue";

addWords(words);
const signs: MeterDetail["signs"] = [
  { code: "blocked", since: "2026-01-01T00:00:00Z", reasons: ["low_battery"], note: "stolen module" },
  { code: "valve_closed", since: null, reasons: ["arrears"], note: "" },
];
const shown = (given: MeterDetail["signs"], seen: string | null = "2026-01-01T00:00:00Z") =>
  mount(MeterSigns, {
    props: { meter: { meter_id: 7, removed_on: null, signs: given, state: { last_seen_at: seen } } as unknown as MeterDetail },
    global: { plugins: [i18n], stubs: { RouterLink: defineComponent({ props: { to: { type: Object, required: true } }, setup: (props) => () => h("a", String((props.to as { query: { tab: string } }).query.tab)) }) } },
  });

describe("the state of a meter", () => {
  afterEach(() => { setLocale("zh", { remember: false }); });
  it("is a strip, worst first, with reason, since when and the way to act", () => {
    setLocale("en", { remember: false });
    const strip = shown(signs);
    expect(strip.find("ul").attributes("role")).toBe("alert");
    const lines = strip.findAll("li");
    expect(lines[0]?.classes()).toContain("critical");
    expect(lines[0]?.text()).toMatch(/^Blocked.*since.*stolen module.*The platform takes nothing of it\..*security$/s);
    expect(lines[1]?.text()).toMatch(/Valve closed.*Arrears.*commands$/s);
  });
  it("says that nothing is wrong only of a meter that was heard", () => {
    setLocale("zh", { remember: false });
    expect(shown([]).text()).toBe("状态正常");
    expect(shown([], null).text()).toBe("还没有收到过上报");
  });
  it("is a sign in the list, with the others counted", () => {
    setLocale("en", { remember: false });
    const tag = mount(SignTag, { props: { signs }, global: { plugins: [i18n] } });
    expect(tag.text()).toBe("Blocked and 1 more");
    expect(mount(SignTag, { props: { signs: [] }, global: { plugins: [i18n] } }).text()).toBe("");
  });
});
