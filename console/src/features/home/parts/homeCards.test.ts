// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { CARDS, shownCards, toggledCard } from "./homeCards";

it("shows all cards to who put none away, and one that is new to everybody", () => {
  expect([...shownCards("")]).toEqual([...CARDS]);
  expect(shownCards("trend,gone").has("trend")).toBe(false);
  expect(shownCards("trend,gone").size).toBe(CARDS.length - 1);
});
it("puts a card away and takes it back", () => {
  const hidden = toggledCard(toggledCard("", "trend"), "use");
  expect(hidden).toBe("use,trend");
  expect(toggledCard(toggledCard(hidden, "use"), "trend")).toBe("");
});
it("keeps what the server takes", () => {
  expect(CARDS.join(",")).toMatch(/^[a-z0-9_,]*$/);
});
