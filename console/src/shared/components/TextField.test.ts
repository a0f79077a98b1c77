// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

const sources = import.meta.glob<string>("/src/**/*.vue", { eager: true, query: "?raw", import: "default" });

describe("fields", () => {
  it("look the same everywhere: their frame is told once, in base.css", () => {
    const own = Object.entries(sources).filter(([path, source]) => {
      const style = source.slice(source.lastIndexOf("<style"));
      return !path.endsWith("/GlobalSearch.vue") && /(^|[\s,}])(input|select|textarea)[^{};]*\{[^}]*(border|padding|font|background):/m.test(style);
    });
    expect(own.map(([path]) => path)).toEqual(["/src/shared/components/DayField.vue"]); // the calendar that lies unseen over its button
  });
});
