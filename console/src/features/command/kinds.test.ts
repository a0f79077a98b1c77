// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { factsOf, KINDS } from "./kinds";

const openapi = JSON.parse(readFileSync("../docs/reference/openapi.json", "utf8")) as { components: { schemas: { Kind: { enum: string[] } } } };

describe("kinds of commands", () => {
  it("are the server's, each once", () => {
    expect([...KINDS].sort()).toEqual([...openapi.components.schemas.Kind.enum].sort());
  });
  it("say what they do unless they only read", () => {
    for (const kind of KINDS) expect(factsOf(kind).does === undefined, kind).toBe(factsOf(kind).reads === true);
    for (const kind of KINDS) expect("gas" in (factsOf(kind).does ?? {}), kind).toBe(factsOf(kind).valve !== undefined);
  });
  it("that are new keep their code", () => {
    expect(factsOf("new_kind")).toEqual({ title: ["new_kind", "new_kind"] });
  });
});
