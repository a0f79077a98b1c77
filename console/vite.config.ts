// SPDX-License-Identifier: Apache-2.0
// Build of the console. No inline scripts: the server's content security policy allows scripts from itself only.
import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import elementPlusStyles from "unplugin-element-plus/vite";
import { defineConfig } from "vitest/config";
import { fieldWorker } from "./scripts/field-worker.mjs";

const server = process.env.OPENMAINS_API ?? "http://127.0.0.1:8080";

interface Graph {
  getModuleInfo(id: string): { importers: string[]; dynamicImporters: string[] } | null;
}

/** Whether the phone pages come to need a module: one of theirs imports it, or what imports it. */
function isOnPhone(id: string, graph: Graph): boolean {
  const seen = new Set([id]);
  for (const one of seen) {
    if (/[\\/]src[\\/]phone[\\/]/.test(one)) return true;
    const found = graph.getModuleInfo(one);
    for (const by of [...(found?.importers ?? []), ...(found?.dynamicImporters ?? [])]) seen.add(by);
  }
  return false;
}

export default defineConfig({
  plugins: [vue(), fieldWorker("field"), fieldWorker("my"), ...(process.env.VITEST ? [] : [elementPlusStyles({})])],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  define: { __VUE_I18N_FULL_INSTALL__: false, __VUE_I18N_LEGACY_API__: false, __INTLIFY_PROD_DEVTOOLS__: false },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
    manifest: true,
    modulePreload: { polyfill: false },
    // What many pages need comes as one file: a page of its own is a handful of requests, not eighty (e2e/budget.mjs). Charts stay apart, for
    // they are large and most pages have none; so does what the phone pages need too, an entry of their own that loads little.
    rolldownOptions: {
      input: { console: "index.html", field: "field/index.html", my: "my/index.html" },
      output: { codeSplitting: { groups: [
        { name: "base", test: /node_modules[\\/](@vue|vue|vue-router|vue-i18n|@intlify)[\\/]/, priority: 1 }, // all three entries need it whole
        // What lists alone need stays out of the shell, which every page waits for.
        { name: "lists", test: /[\\/]src[\\/]shared[\\/](columns\.ts|components[\\/](Column(Table|Pick)|ListPage|SavedViews|FilterChips)\.vue)/, priority: 1, includeDependenciesRecursively: false },
        { name: (id, graph) => (isOnPhone(id, graph) ? null : "common"), test: /node_modules[\\/](?!echarts|zrender)|[\\/]src[\\/]shared[\\/]/, minShareCount: 14, includeDependenciesRecursively: false },
      ] } },
    },
  },
  server: { proxy: { "/api": { target: server, ws: true } } },
  // A process and a browser's objects of its own cost a file seconds. What needs no browser shares one process; so does what needs its objects
  // and leaves none (`.dom.test.ts`); what mounts components is alone (`.mount.test.ts`).
  test: {
    env: { TZ: "UTC" },
    restoreMocks: true,
    // What a page takes to load and to show says how busy the machine is, nothing about the page: only what never comes fails.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    projects: [
      { extends: true, test: { name: "pure", environment: "node", isolate: false, include: ["src/**/*.test.ts"], exclude: ["src/**/*.{dom,mount}.test.ts"] } },
      { extends: true, test: { name: "dom", environment: "happy-dom", isolate: false, include: ["src/**/*.dom.test.ts"] } },
      { extends: true, test: { name: "mount", environment: "happy-dom", include: ["src/**/*.mount.test.ts"] } },
    ],
  },
});
