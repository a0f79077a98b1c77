// SPDX-License-Identifier: Apache-2.0
import { mount } from "@vue/test-utils";
import { expect, it } from "vitest";
import { h } from "vue";
import { i18n, setLocale } from "@/shared/i18n";
import DataTable from "./DataTable.vue";

const rows = [{ id: 1, name: "one" }, { id: 2, name: "two" }, { id: 3, name: "three" }];

it("selects the rows that can be, one by one or all, and nothing else", async () => {
  setLocale("en");
  let selected: ReadonlySet<string | number> = new Set();
  const table = mount(DataTable<{ id: number; name: string }>, {
    props: {
      rows, heads: ["Name"], keyOf: (row) => row.id, selectable: (row) => (row.id === 3 ? false : row.name), selected,
      "onUpdate:selected": (now: ReadonlySet<string | number>) => { selected = now; void table.setProps({ selected: now }); },
    },
    slots: { row: ({ row }: { row: { name: string } }) => h("td", row.name) },
    global: { plugins: [i18n] },
  });
  const boxes = table.findAll("input");
  expect(boxes).toHaveLength(3); // all, one, two
  expect(boxes[1]?.attributes("aria-label")).toBe("Select one");
  await boxes[1]?.trigger("change");
  expect([...selected]).toEqual([1]);
  await boxes[0]?.trigger("change");
  expect([...selected]).toEqual([1, 2]);
  await table.findAll("input")[0]?.trigger("change");
  expect([...selected]).toEqual([]);
});
