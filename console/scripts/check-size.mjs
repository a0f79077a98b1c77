// SPDX-License-Identifier: Apache-2.0
// The shell of the console (entry, everything it imports at once, its styles) stays within 300 kB gzip; the phone pages with all that they
// can come to need, also what is loaded later, within 200 kB: that is what a phone takes along for a day without network; customers' pages (my) within 120 kB.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));
let failed = false;

function add(key, files, seen) {
  if (key === undefined || seen.has(key)) return;
  seen.add(key);
  const chunk = manifest[key];
  files.add(chunk.file);
  for (const css of chunk.css ?? []) files.add(css);
  for (const next of chunk.imports ?? []) add(next, files, seen);
}

function weigh(name, files, limit) {
  let total = 0;
  for (const file of files) total += gzipSync(readFileSync(new URL(file, dist))).length;
  console.log(`${name}: ${(total / 1000).toFixed(1)} kB gzip in ${files.size} files (limit ${limit / 1000} kB)`);
  if (total > limit) {
    console.error(`the ${name} is over its budget`);
    failed = true;
  }
}

const shell = new Set(["index.html"]);
const seen = new Set();
add(Object.keys(manifest).find((key) => key === "index.html"), shell, seen);
add(Object.keys(manifest).find((key) => key.endsWith("app/AppFrame.vue")), shell, seen);
weigh("shell", shell, 300_000);

for (const [app, limit] of [["field", 200_000], ["my", 120_000]]) {
  const worker = readFileSync(new URL(`${app}-worker.js`, dist), "utf8");
  const kept = JSON.parse(/const FILES = (\[.*?\]);/.exec(worker)?.[1] ?? "[]").map((file) => (file === `/${app}/` ? `${app}/index.html` : file.slice(1)));
  if (kept.length < 5) throw new Error("the service worker knows no files");
  weigh(app, new Set([...kept, `${app}-worker.js`]), limit);
}

for (const page of ["index.html", "field/index.html", "my/index.html"]) {
  if (/<script(?![^>]*\bsrc=)/.test(readFileSync(new URL(page, dist), "utf8"))) {
    console.error(`${page} holds an inline script; the content security policy refuses it`);
    failed = true;
  }
}
process.exit(failed ? 1 : 0);
