// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { addWords, i18n } from "@/shared/i18n";
import { nav, pages, words } from "./collected";
import { helpOf } from "./help";

const document = readFileSync("../docs/help.md", "utf8");

it("is there for every page of the navigation, in both languages, under the page's own title", () => {
  for (const one of words.values()) addWords(one);
  for (const { page } of nav) {
    const title = pages.find(({ name }) => name === page)?.meta.title ?? "";
    for (const language of ["zh", "en"] as const) {
      const help = helpOf(document, [page], language);
      expect(help.title, page).toBe(i18n.global.t(title, {}, { locale: language }));
      expect(help.text.length, `${page} ${language}`).toBeGreaterThan(0);
    }
  }
});
it("is that of the entry to which a page belongs, where it has none of its own", () => {
  expect(helpOf(document, ["meter-edit", "meters"], "en").title).toBe("Meters");
  expect(helpOf(document, ["nowhere", ""], "en")).toEqual({ title: "", text: [] });
});
it("names pages that exist", () => {
  const named = [...document.matchAll(/^## ([\w-]+) /gm)].map((match) => match[1]);
  expect(named.filter((name) => !pages.some((page) => page.name === name))).toEqual([]);
});
