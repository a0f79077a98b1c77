// SPDX-License-Identifier: Apache-2.0
// What docs/console.md promises to who adds a page or a context: everything of it stands in one folder and is found by itself.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createMemoryHistory, createRouter } from "vue-router";
import { addWords, i18n } from "@/shared/i18n";
import { nav, pages, words } from "./collected";
import { routes } from "./router";

const sources = import.meta.glob<string>("/src/**/*.{ts,vue}", { query: "?raw", import: "default", eager: true });
const files = Object.keys(sources);
const contexts = [...new Set(files.flatMap((path) => /^\/src\/features\/(\w+)\//.exec(path)?.[1] ?? []))];
const named = (name: string) => pages.find((page) => page.name === name);

describe("a context", () => {
  it("is one of the server's, or Home or System", () => {
    const { tiers } = JSON.parse(readFileSync("contexts.json", "utf8")) as { tiers: string[][] };
    expect(contexts.filter((context) => !tiers.flat().includes(context))).toEqual([]);
  });

  it.each(contexts)("%s has its pages, routes, navigation and words", (context) => {
    const own = files.filter((path) => path.startsWith(`/src/features/${context}/`));
    for (const file of ["routes.ts", "nav.ts", "words.ts"]) expect(own).toContain(`/src/features/${context}/${file}`);
    const listed = [...(sources[`/src/features/${context}/routes.ts`] ?? "").matchAll(/import\("\.\/pages\/(\w+\.vue)"\)/g)].map((match) => match[1]);
    const there = own.filter((path) => path.includes("/pages/") && !path.endsWith(".test.ts")).map((path) => path.split("/").pop());
    expect([...new Set(listed)].sort()).toEqual(there.sort());
  });

  it("asks the server in its calls.ts only", () => {
    const elsewhere = files.filter((path) => path.startsWith("/src/features/") && !/\/calls\.ts$|\.test\.ts$/.test(path));
    expect(elsewhere.filter((path) => /"@\/api\/(typed|transport|schema)"/.test(sources[path] ?? ""))).toEqual([]);
  });
});

describe("a page", () => {
  it("has a name and an address of its own", () => {
    expect(new Set(pages.map((page) => page.name)).size).toBe(pages.length);
    expect(new Set(pages.map((page) => page.path)).size).toBe(pages.length);
    for (const page of pages) expect(page.path).toMatch(/^\//);
  });

  it("has a title in both languages", () => {
    for (const one of words.values()) addWords(one);
    for (const { name, meta } of pages) for (const language of ["zh", "en"] as const) expect(i18n.global.te(meta.title, language), name).toBe(true);
  });

  it("is known to its own feature only", () => {
    const components = files.filter((path) => path.startsWith("/src/features/") && path.includes("/pages/") && path.endsWith(".vue"));
    for (const path of components) {
      const importers = files.filter((other) => (sources[other] ?? "").includes(`/pages/${path.split("/").pop() ?? ""}"`));
      expect(importers, path).toEqual([path.replace(/pages\/\w+\.vue$/, "routes.ts")]);
    }
  });

  it("keeps the address under which people have it", () => {
    const router = createRouter({ history: createMemoryHistory(), routes });
    const known = {
      "/": "home", "/sign-in": "sign-in", "/password": "password", "/meters": "meters", "/meters/7": "meter", "/meters/new": "meter-new", "/meters/7/edit": "meter-edit",
      "/meters/import": "meter-import", "/alarms": "alarms", "/report": "report", "/exceptions": "exceptions", "/edits": "edits", "/gaps": "gaps", "/commands": "commands", "/commands/7": "command",
      "/batches": "batches", "/batches/new": "batch-new", "/batches/7": "batch", "/approvals": "approvals", "/command-policy": "command-policy", "/command-stop": "command-stop", "/report-plan": "report-plan",
      "/terminals": "terminals", "/onboarding": "onboarding", "/refusals": "refusals", "/keys": "keys", "/products": "products", "/drivers/a/b": "driver", "/system": "system", "/users": "users",
      "/tokens": "tokens", "/audit": "audit", "/gallery": "gallery", "/nowhere": "not-found", "/meters/x": "not-found",
    };
    for (const [path, name] of Object.entries(known)) expect(router.resolve(path).name, path).toBe(name);
  });
});

describe("the recipe in docs/console.md", () => {
  const docs = readFileSync("../docs/console.md", "utf8");

  it("names the three files of a page, which are all that know it", () => {
    const recipe = docs.split("Adding a page")[1]?.split("###")[0] ?? "";
    expect([...recipe.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1])).toEqual(["pages/<Name>.vue", "routes.ts", "words.ts"]);
  });

  it("names every kind of file that the app collects", () => {
    const layout = docs.split("features/<context>/\n")[1]?.split("src/app/")[0] ?? "";
    const collected = [...(sources["/src/app/collected.ts"] ?? "").matchAll(/features\/\*\/(\w+\.ts)/g)].map((match) => match[1] ?? "");
    expect(collected.length).toBeGreaterThan(0);
    for (const file of collected) expect(layout).toContain(`    ${file} `);
  });
});

describe("the navigation", () => {
  it("leads to pages of the features, each at a place of its own", () => {
    for (const { page } of nav) expect(named(page), page).toBeDefined();
    expect(new Set(nav.map((entry) => entry.order)).size).toBe(nav.length);
    const known = ["home", "meters", "alarms", "report", "exceptions", "gaps", "products", "commands", "terminals", "system", "users", "tokens", "audit"];
    expect(nav.map((entry) => entry.page).filter((page) => known.includes(page))).toEqual(known);
  });

  it("shows where a page without an entry belongs", () => {
    for (const { name, meta } of pages) if (meta.under !== undefined) expect(nav.map((entry) => entry.page), name).toContain(meta.under);
  });
});

describe("a test", () => {
  it("stands beside its subject and bears its name", () => {
    const alone = files.filter((path) => path.endsWith(".test.ts") && ![".ts", ".vue"].some((end) => files.includes(path.replace(/(\.dom|\.mount)?\.test\.ts$/, end))));
    expect(alone).toEqual(["/src/app/acts.test.ts", "/src/app/auditText.mount.test.ts", "/src/app/waiting.dom.test.ts", "/src/app/words.dom.test.ts"]); // about the acts and the words of all features
  });
});
