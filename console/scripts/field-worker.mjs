// SPDX-License-Identifier: Apache-2.0
// Builds the service workers of the phone pages: /<app>-worker.js knows every file that the entry <app>/index.html can come to need, by their
// hashed names, and a version made of their contents. Another build is another version, and so another cache. Apps: field, my (customers).
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";


/** Names of the files that the entry reaches, also those that are loaded when they are needed. */
export function reached(bundle, start) {
  const files = new Set();
  const open = [start];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (files.has(name)) continue;
    files.add(name);
    const chunk = bundle[name];
    if (chunk?.type !== "chunk") continue;
    open.push(...chunk.imports, ...chunk.dynamicImports, ...(chunk.viteMetadata?.importedCss ?? []), ...(chunk.viteMetadata?.importedAssets ?? []));
  }
  return [...files].filter((name) => name in bundle).sort();
}

export function fieldWorker(app) {
  const entryFile = `${app}/index.html`;
  const fixed = [`${app}.webmanifest`, "mark.svg"]; // out of public/
  return {
    name: `openmains-${app}-worker`,
    apply: "build",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const entry = Object.values(bundle).find((file) => file.type === "chunk" && file.isEntry && file.facadeModuleId?.replaceAll("\\", "/").endsWith(`/${entryFile}`));
        if (entry === undefined) throw new Error(`no chunk of ${entryFile}`);
        const files = reached(bundle, entry.fileName);
        const hash = createHash("sha256");
        for (const name of [...files, entryFile]) {
          const file = bundle[name];
          hash.update(name).update(file?.type === "chunk" ? file.code : (file?.source ?? ""));
        }
        for (const name of fixed) hash.update(readFileSync(new URL(`../public/${name}`, import.meta.url)));
        const version = hash.digest("hex").slice(0, 16);
        const list = [`/${app}/`, ...[...files, ...fixed].map((name) => `/${name}`)];
        const source = readFileSync(new URL("../src/phone/worker.js", import.meta.url), "utf8").replace('"%VERSION%"', JSON.stringify(version)).replace('"%FILES%"', JSON.stringify(list)).replace("%APP%", app);
        this.emitFile({ type: "asset", fileName: `${app}-worker.js`, source });
      },
    },
  };
}
