// SPDX-License-Identifier: Apache-2.0
// Every key the code asks for exists, in its own feature's words, the shared ones or those of a lower tier; none is idle. That each
// text has both languages the compiler sees to.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { RULES } from "@/features/readings/parts/rules";
import { EVENTS } from "@/shared/events";
import { isText, type Text, type Words } from "@/shared/i18n/bilingual";
import { words as shared } from "@/shared/i18n/words";
import { words } from "./collected";

function flat(tree: Words, prefix = ""): Map<string, Text> {
  const found = new Map<string, Text>();
  for (const [key, value] of Object.entries(tree)) {
    if (isText(value)) found.set(prefix + key, value);
    else for (const [inner, text] of flat(value, `${prefix}${key}.`)) found.set(inner, text);
  }
  return found;
}

function placeholders(text: string): string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "").sort();
}

const owners = new Map<string, string>(); // of a key's first part
for (const [context, tree] of [["shared", shared as Words] as const, ...words]) {
  for (const name of Object.keys(tree)) {
    if (owners.has(name)) throw new Error(`words of "${name}" stand in ${String(owners.get(name))} and in ${context}`);
    owners.set(name, context);
  }
}
// Words that come with a part that is loaded late, and not with the frame.
const late = Object.entries(import.meta.glob<{ words: Words }>(["/src/features/*/parts/*Words.ts", "/src/features/*/*Words.ts", "/src/phone/*/*Words.ts"], { eager: true })).map(([path, file]) => [path.split("/")[3] ?? "", file.words] as const).filter(([, tree]) => tree !== undefined);
for (const [context, tree] of late) {
  for (const name of Object.keys(tree)) {
    if (owners.has(name)) throw new Error(`words of "${name}" stand in ${String(owners.get(name))} and late in ${context}`);
    owners.set(name, context);
  }
}
const texts = new Map([shared, ...words.values(), ...late.map(([, tree]) => tree)].flatMap((tree) => [...flat(tree)]));
const { tiers } = JSON.parse(readFileSync("contexts.json", "utf8")) as { tiers: string[][] };
const tierOf = (context: string): number => tiers.findIndex((tier) => tier.includes(context));
const files = import.meta.glob<string>("/src/**/*.{ts,vue}", { query: "?raw", import: "default", eager: true });
const sources = Object.entries(files).filter(([path]) => !path.endsWith(".test.ts") && !/\/(words|names|schema)\.ts$/.test(path));
const KEY = /["'`]([a-zA-Z_]+(?:\.[a-zA-Z_0-9]+)+)["'`]/g;
const PREFIX = /`([a-zA-Z_]+(?:\.[a-zA-Z_]+)*\.)\$\{/g;

describe("words", () => {
  it("have the same placeholders in both languages, and no empty text", () => {
    for (const [key, [zh, en]] of texts) {
      expect([zh, en], key).not.toContain("");
      expect(placeholders(en), key).toEqual(placeholders(zh));
    }
  });

  it("name every event and every rule of the server, and no other", () => {
    const points = readFileSync("../src/openmains/drivers/points.toml", "utf8").split("[events]")[1] ?? "";
    const events = [...points.matchAll(/^(\w+)\s*=.* zh = "([^"]+)", en = "([^"]+)"/gm)].map(([, name = "", zh = "", en = ""]) => [name, [zh, en]]);
    const nodes = readFileSync("../src/openmains/domain/alarm/nodes.py", "utf8");
    events.push(...[...nodes.matchAll(/^ {4}"(\w+)": \("\w+", "([^"]+)", "([^"]+)"\),/gm)].map(([, name = "", zh = "", en = ""]) => [name, [zh, en]] as [string, string[]]));
    expect(Object.entries(EVENTS)).toEqual(events);
    const quality = readFileSync("../src/openmains/domain/readings/quality.py", "utf8").split("class Rule")[1] ?? "";
    const rules = [...quality.matchAll(/^ {4}([A-Z_]+) = \d+/gm)].map((match) => (match[1] ?? "").toLowerCase());
    expect(Object.keys(RULES)).toEqual(rules);
  });

  it("are all there, and none that nobody asks for", () => {
    const asked = new Set<string>();
    const prefixes = new Set<string>();
    for (const [path, text] of sources) {
      for (const [, key = ""] of text.matchAll(KEY)) asked.add(key);
      for (const [, prefix = ""] of text.matchAll(PREFIX)) prefixes.add(prefix);
      for (const [, key = ""] of text.matchAll(/\bt\(["']([^"']+)["']/g)) expect(texts.has(key), `${path}: ${key}`).toBe(true);
    }
    const idle = [...texts.keys()].filter((key) => !asked.has(key) && ![...prefixes].some((prefix) => key.startsWith(prefix)));
    expect(idle.filter((key) => key !== "product")).toEqual([]);
  });

  it("are asked for by their own feature, or by one in a higher tier", () => {
    const astray: string[] = [];
    for (const [path, text] of sources) {
      const [, , zone = "", context = ""] = path.split("/");
      for (const [, key = ""] of [...text.matchAll(KEY), ...text.matchAll(PREFIX)]) {
        const owner = owners.get(key.split(".")[0] ?? "");
        const known = texts.has(key) || (key.endsWith(".") && [...texts.keys()].some((one) => one.startsWith(key)));
        if (!known || owner === undefined || owner === "shared" || zone === "app" || zone === "phone") continue;
        if (zone !== "features" || (owner !== context && tierOf(owner) >= tierOf(context))) astray.push(`${path}: ${key} of ${owner}`);
      }
    }
    expect(astray).toEqual([]);
  });
});
