// SPDX-License-Identifier: Apache-2.0
// src/api/schema.ts is generated from docs/reference/openapi.json: `--write` makes it, `--check` fails when it is stale.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const source = new URL("../../docs/reference/openapi.json", import.meta.url);
const target = new URL("../src/api/schema.ts", import.meta.url);
const head = "// SPDX-License-Identifier: Apache-2.0\n// Generated from docs/reference/openapi.json by `npm run api:generate`. Do not edit.\n\n";

const text = head + astToString(await openapiTS(source, { alphabetize: true }));
if (process.argv.includes("--write")) {
  writeFileSync(target, text);
} else if (!existsSync(target) || readFileSync(target, "utf8") !== text) {
  console.error("src/api/schema.ts is stale: run `npm run api:generate` and commit it");
  process.exit(1);
}
