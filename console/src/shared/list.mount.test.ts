// SPDX-License-Identifier: Apache-2.0
import { QueryClient, VueQueryPlugin } from "@tanstack/vue-query";
import { flushPromises, mount } from "@vue/test-utils";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { defineComponent, h, ref } from "vue";
import { createMemoryHistory, createRouter } from "vue-router";
import { Problem } from "@/api/problem";
import ListTable from "@/shared/components/ListTable.vue";
import { i18n, setLocale } from "@/shared/i18n";
import { allPages, useList, type Paged } from "./list";

interface Row {
  id: number;
  name: string;
}
type Fetch = (cursor: string, signal: AbortSignal) => Promise<Paged<Row>>;
const first: Paged<Row> = { items: [{ id: 1, name: "one" }, { id: 2, name: "two" }], next: "c2" };
const second: Paged<Row> = { items: [{ id: 3, name: "three" }], next: null };

async function show(fetch: Fetch, { at = "/", again }: { at?: string; again?: () => false } = {}) {
  const filter = ref("a");
  const Page = defineComponent(() => {
    const list = useList<Row>({ key: ["rows", filter], fetch, place: "rows", ...(again === undefined ? {} : { again }) });
    return () => h("main", [
      h(ListTable<Row>, { list, keyOf: (row: Row) => row.id, heads: ["Name", { num: "Length" }, false, { hidden: "Acts" }], emptyText: "nothing there" }, { row: ({ row }: { row: Row }) => h("td", row.name) }),
      h("button", { class: "again", onClick: () => list.refetch() }),
    ]);
  });
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: "/", component: Page }] });
  await router.push(at);
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const shown = mount(defineComponent({ template: "<RouterView />" }), { global: { plugins: [i18n, router, [VueQueryPlugin, { queryClient: client }]] } });
  await flushPromises();
  return { shown, router, filter };
}

beforeEach(() => { setLocale("en"); });

describe("a list", () => {
  it("shows heads and rows, figures right-aligned, acts for the ear only", async () => {
    const { shown } = await show(async () => first);
    expect(shown.findAll("th").map((head) => [head.text(), head.classes().join()])).toEqual([["Name", ""], ["Length", "num"], ["Acts", ""]]);
    expect(shown.find("th .visually-hidden").text()).toBe("Acts");
    expect(shown.findAll("td").map((cell) => cell.text())).toEqual(["one", "two"]);
  });

  it("goes on to the next page by the address, and back to the first", async () => {
    const fetch = vi.fn<Fetch>(async (cursor) => (cursor === "c2" ? second : first));
    const { shown, router } = await show(fetch);
    await shown.findAll(".pager button").at(-1)?.trigger("click");
    await flushPromises();
    expect(router.currentRoute.value.query).toEqual({ rows: "c2" });
    expect(shown.findAll("td").map((cell) => cell.text())).toEqual(["three"]);
    await shown.findAll(".pager button")[0]?.trigger("click");
    await flushPromises();
    expect(router.currentRoute.value.query).toEqual({});
    expect(fetch.mock.calls.map(([cursor]) => cursor)).toEqual(["", "c2", ""]);
  });

  it("is another one when its filter changes", async () => {
    const fetch = vi.fn<Fetch>(async () => first);
    const { filter } = await show(fetch);
    filter.value = "b";
    await flushPromises();
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it("says that it is empty, and why it could not be fetched", async () => {
    const { shown } = await show(async () => ({ items: [], next: null }));
    expect(shown.text()).toContain("nothing there");
    const { shown: failed } = await show(async () => { throw new Problem(503, { title: "busy" }); });
    expect(failed.find('[role="alert"]').text()).toContain("busy");
  });

  it("that asks again by itself keeps its rows when that fails; another says so", async () => {
    for (const [again, kept] of [[() => false as const, true], [undefined, false]] as const) {
      const fetch = vi.fn<Fetch>().mockResolvedValueOnce(first).mockRejectedValue(new Problem(503, { title: "busy" }));
      const { shown } = await show(fetch, again === undefined ? {} : { again });
      await shown.find(".again").trigger("click");
      await flushPromises();
      expect(fetch).toHaveBeenCalledTimes(2);
      expect(shown.find('[role="alert"]').exists()).toBe(!kept);
      expect(shown.findAll("td")).toHaveLength(kept ? 2 : 0);
    }
  });
});

describe("all pages", () => {
  it("are fetched to the last one", async () => {
    const fetch = vi.fn((cursor: string) => Promise.resolve(cursor === "" ? first : second));
    expect((await allPages(fetch)).map((row) => row.id)).toEqual([1, 2, 3]);
    expect(fetch.mock.calls).toEqual([[""], ["c2"]]);
  });
});
