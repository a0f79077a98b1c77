// SPDX-License-Identifier: Apache-2.0
// The shell (entry, everything it imports at once, its styles) must stay within 300 kB gzip.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT = 300_000;
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));
const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
const frame = Object.keys(manifest).find((key) => key.endsWith("app/AppFrame.vue"));
const files = new Set(["index.html"]);
const seen = new Set();

function add(key) {
  if (key === undefined || seen.has(key)) return;
  seen.add(key);
  const chunk = manifest[key];
  files.add(chunk.file);
  for (const css of chunk.css ?? []) files.add(css);
  for (const next of chunk.imports ?? []) add(next);
}
add(entry);
add(frame);

let total = 0;
for (const file of files) total += gzipSync(readFileSync(new URL(file, dist))).length;
console.log(`shell: ${(total / 1000).toFixed(1)} kB gzip in ${files.size} files (limit ${LIMIT / 1000} kB)`);
if (/<script(?![^>]*\bsrc=)/.test(readFileSync(new URL("index.html", dist), "utf8"))) {
  console.error("index.html holds an inline script; the content security policy refuses it");
  process.exit(1);
}
if (total > LIMIT) {
  console.error("the shell is over its budget");
  process.exit(1);
}
