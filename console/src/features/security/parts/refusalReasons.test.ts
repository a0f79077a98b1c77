// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { words } from "@/features/security/words";
import { REFUSAL_REASONS, reasonChoices, reasonKey } from "./refusalReasons";

const texts: Record<string, { is: readonly [string, string]; todo: readonly [string, string] }> = words.security.refusalReasons;

describe("reasons of a refusal", () => {
  it("says in both languages what each means and what to do", () => {
    for (const reason of [...REFUSAL_REASONS, "quote not closed", "something new"]) {
      const text = texts[reasonKey(reason)];
      expect(text, reason).toBeDefined();
      for (const pair of [text?.is, text?.todo]) {
        expect(pair?.[0].length, reason).toBeGreaterThan(3);
        expect(pair?.[1].length, reason).toBeGreaterThan(5);
      }
    }
  });

  it("has no text that no reason leads to", () => {
    const used = new Set([...REFUSAL_REASONS, "quote not closed", "something new"].map(reasonKey));
    expect(Object.keys(texts).filter((key) => !used.has(key))).toEqual([]);
  });

  it("lets one choose a reason that only the rows know", () => {
    expect(reasonChoices([{ reason: "no_key" }, { reason: "something new" }]).at(-1)).toBe("something new");
    expect(reasonChoices([])).toEqual([...REFUSAL_REASONS]);
  });
});
