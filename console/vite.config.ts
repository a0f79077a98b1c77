// SPDX-License-Identifier: Apache-2.0
// Build of the console. No inline scripts: the server's content security policy allows scripts from itself only.
import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import elementPlusStyles from "unplugin-element-plus/vite";
import { defineConfig } from "vitest/config";
import { fieldWorker } from "./scripts/field-worker.mjs";

const server = process.env.OPENMAINS_API ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [vue(), fieldWorker(), ...(process.env.VITEST ? [] : [elementPlusStyles({})])],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  define: { __VUE_I18N_FULL_INSTALL__: false, __VUE_I18N_LEGACY_API__: false, __INTLIFY_PROD_DEVTOOLS__: false },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
    manifest: true,
    // The console, and the phone pages: an entry of their own that loads nothing of the console's frame.
    rollupOptions: { input: { console: "index.html", field: "field/index.html" } },
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": { target: server, ws: true } } },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.ts"],
    env: { TZ: "UTC" },
    restoreMocks: true,
  },
});
