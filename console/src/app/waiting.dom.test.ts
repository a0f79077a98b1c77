// SPDX-License-Identifier: Apache-2.0
// Every queue of work has its entry in the navigation and a page that exists.
import { expect, it } from "vitest";
import { PLACES } from "@/features/home/waiting";
import { nav, pages } from "./collected";

it("leads from each queue of work to a page, below an entry of the navigation", () => {
  const entries = new Set(nav.map(({ page }) => page));
  const named = new Map(pages.map((page) => [page.name, page.meta.under ?? page.name]));
  for (const [queue, { to, under }] of Object.entries(PLACES)) {
    expect(entries.has(under), queue).toBe(true);
    expect(named.get(to.name), queue).toBe(under);
  }
});
