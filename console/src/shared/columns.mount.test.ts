// SPDX-License-Identifier: Apache-2.0
import { flushPromises, mount } from "@vue/test-utils";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { defineComponent, h } from "vue";
import { createMemoryHistory, createRouter } from "vue-router";
import ColumnPick from "@/shared/components/ColumnPick.vue";
import ColumnTable from "@/shared/components/ColumnTable.vue";
import { i18n, setLocale } from "@/shared/i18n";
import { takePreferences } from "@/shared/preferences";
import { useColumns, type Columns } from "./columns";

const kept = vi.hoisted(() => vi.fn<(change: { columns: Record<string, string> }) => Promise<boolean>>());
vi.mock("@/shared/prefer", () => ({ prefer: kept }));

const rows = [{ id: 1 }, { id: 2 }];

async function show(at: string, canSort = true) {
  let columns: Columns | undefined;
  const Page = defineComponent(() => {
    const own = useColumns("things", () => [
      { name: "id", label: "Number", fixed: true, look: "num" },
      { name: "due", label: "Due", sort: canSort && "up" },
      { name: "made", label: "Made", extra: true },
    ], { usual: "-id", also: ["-id"] });
    columns = own;
    const cell = (name: string) => ({ row }: { row: unknown }) => `${name}${String((row as { id: number }).id)}`;
    return () => [h(ColumnPick, { columns: own }), h(ColumnTable, { columns: own, rows, keyOf: (row: unknown) => (row as { id: number }).id }, { id: cell("id"), cell: cell("other") })];
  });
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: "/", component: Page }] });
  await router.push(at);
  const shown = mount(defineComponent({ template: "<RouterView />" }), { global: { plugins: [i18n, router] } });
  await flushPromises();
  return { shown, router, sort: () => columns?.sort, heads: () => shown.findAll("th").map((head) => head.text().replace(/ .$/, "")) };
}

beforeEach(() => {
  setLocale("en");
  takePreferences(null);
  kept.mockReset().mockResolvedValue(true);
});

describe("a list whose columns are chosen", () => {
  it("shows the usual ones, each cell by its slot or the common one, figures right-aligned", async () => {
    const { shown, heads } = await show("/");
    expect(heads()).toEqual(["Number", "Due"]);
    expect(shown.findAll("td").map((cell) => [cell.text(), cell.classes().join()])).toEqual([["id1", "num"], ["other1", ""], ["id2", "num"], ["other2", ""]]);
  });

  it("keeps a choice with the person and says it in the address; what was kept is there the next time", async () => {
    const { shown, router, heads } = await show("/?cursor=c2");
    const boxes = shown.findAll('input[type="checkbox"]');
    expect(boxes).toHaveLength(2); // what the row is found by is not to be put away
    await boxes[1]?.trigger("change");
    await flushPromises();
    expect(heads()).toEqual(["Number", "Due", "Made"]);
    expect(router.currentRoute.value.query).toEqual({ cursor: "c2", columns: "due,made" });
    expect(kept).toHaveBeenCalledWith({ columns: { things: "due,made" } });
    takePreferences({ numbers: "space", page_rows: null, columns: { things: "made" } });
    expect((await show("/")).heads()).toEqual(["Number", "Made"]);
  });

  it("asks the server for another order from the first page on, and says it to who cannot see", async () => {
    const { shown, router, sort } = await show("/?cursor=c2");
    expect([sort(), shown.findAll("th")[1]?.attributes("aria-sort"), shown.findAll("th")[0]?.find("button").exists()]).toEqual(["-id", "none", false]);
    await shown.find("button.sort").trigger("click");
    await flushPromises();
    expect([sort(), router.currentRoute.value.query, shown.findAll("th")[1]?.attributes("aria-sort")]).toEqual(["due", { sort: "due" }, "ascending"]);
    await shown.find("button.sort").trigger("click");
    await flushPromises();
    expect([sort(), shown.findAll("th")[1]?.attributes("aria-sort")]).toEqual(["-due", "descending"]);
  });

  it("does not ask for an order that the server would refuse", async () => {
    const { shown, sort } = await show("/?sort=due", false);
    expect([sort(), shown.find("button.sort").exists()]).toEqual(["-id", false]);
    expect((await show("/?sort=nonsense")).sort()).toBe("-id");
  });
});
