// SPDX-License-Identifier: Apache-2.0
// Both languages hold the same keys with the same placeholders, and every key the code asks for exists.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { en } from "./en";
import { zh } from "./zh";

type Tree = { [key: string]: string | Tree };

function flat(tree: Tree, prefix = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === "string") found.set(prefix + key, value);
    else for (const [inner, text] of flat(value, `${prefix}${key}.`)) found.set(inner, text);
  }
  return found;
}

function placeholders(text: string): string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "").sort();
}

const chinese = flat(zh);
const english = flat(en);
const sources = import.meta.glob<string>("/src/**/*.{ts,vue}", { query: "?raw", import: "default", eager: true });

describe("languages", () => {
  it("hold the same keys", () => {
    expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort());
  });

  it("hold the same placeholders, and no empty text", () => {
    for (const [key, text] of chinese) {
      expect(text, key).not.toBe("");
      expect(english.get(key), key).not.toBe("");
      expect(placeholders(english.get(key) ?? ""), key).toEqual(placeholders(text));
    }
  });

  it("name every event and every rule of the server, and no other", () => {
    const points = readFileSync("../src/openmains/drivers/points.toml", "utf8").split("[events]")[1] ?? "";
    const events = [...points.matchAll(/^(\w+)\s*=/gm)].map((match) => match[1] ?? "");
    expect(Object.keys(zh.event).sort()).toEqual(events.sort());
    const quality = readFileSync("../src/openmains/domain/readings/quality.py", "utf8").split("class Rule")[1] ?? "";
    const rules = [...quality.matchAll(/^ {4}([A-Z_]+) = \d+/gm)].map((match) => (match[1] ?? "").toLowerCase());
    expect(Object.keys(zh.rule).sort()).toEqual(rules.sort());
  });

  it("have every key the code asks for, and none that nobody asks for", () => {
    const asked = new Set<string>();
    const prefixes = new Set<string>();
    for (const [path, text] of Object.entries(sources)) {
      if (path.includes("/i18n/") || path.endsWith(".test.ts")) continue;
      for (const [, key = ""] of text.matchAll(/["'`]([a-zA-Z_]+(?:\.[a-zA-Z_0-9]+)+)["'`]/g)) asked.add(key);
      for (const [, prefix = ""] of text.matchAll(/`([a-zA-Z_]+(?:\.[a-zA-Z_]+)*\.)\$\{/g)) prefixes.add(prefix);
      for (const [, key = ""] of text.matchAll(/\bt\(["']([^"']+)["']/g)) expect(chinese.has(key), `${path}: ${key}`).toBe(true);
    }
    const idle = [...chinese.keys()].filter((key) => !asked.has(key) && ![...prefixes].some((prefix) => key.startsWith(prefix)));
    expect(idle.filter((key) => key !== "product")).toEqual([]);
  });
});
