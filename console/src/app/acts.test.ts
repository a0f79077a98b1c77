// SPDX-License-Identifier: Apache-2.0
// Every call of the console that changes something stands in the table of risky acts, and the table names no other; what the table
// says needs a reason passes one. The server's own demand is tried by tests/edges/http/test_reasons.py.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const files = import.meta.glob<string>(["/src/features/*/calls.ts", "/src/shared/calls.ts"], { query: "?raw", import: "default", eager: true });
const table = (readFileSync("../docs/console.md", "utf8").split("## 有风险的操作")[1] ?? "").split("\n## ")[0] ?? "";
const rows = table.split("\n").filter((line) => line.startsWith("| `"));
const named = new Map(rows.flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`(\w+)`/g)].map(([, name = ""]) => [name, row] as const)));

/** Exported calls with another method than GET, each with its text. */
const changing = new Map(
  Object.values(files).flatMap((text) =>
    text
      .split(/^export const /m)
      .slice(1)
      .filter((part) => /call\("(post|put|patch|delete)"|method: "(POST|PUT|PATCH|DELETE)"|sendFile\(/.test(part))
      .map((part) => [/^\w+/.exec(part)?.[0] ?? "", part] as const),
  ),
);

describe("acts", () => {
  it("are all in the table of risky acts, with what is asked", () => {
    expect([...changing.keys()].sort()).toEqual([...named.keys()].sort());
    for (const [name, row] of named) expect((row.split("|")[3] ?? "").trim(), name).not.toBe("");
  });
  it("pass a reason where the table says that one is needed", () => {
    const bodies = new Set(["createUser", "changeUser", "createToken", "generateKeys", "changeMeter", "operateMeter", "judgeException", "changeArea", "actOnOrder", "addPayChannel", "changePayChannel", "setSigner", "setRule", "addAuthorisation", "changePartner", "giveGatewayCommand", "addApplication", "changeApplication", "chargeAtServer"]); // in the body's own type
    for (const [name, row] of named) {
      if (!/\*reason\*/.test(row) || bodies.has(name)) continue;
      expect(changing.get(name), name).toMatch(/reason|note/);
    }
  });
});
