// SPDX-License-Identifier: Apache-2.0
// Style and import zones. Zones go one way: app > features/<context> > shared > api. Features stand in tiers (contexts.json): a
// higher one may use the face of a lower one, which is the files directly in its folder, never what is in its pages/ and parts/.
import js from "@eslint/js";
import vue from "eslint-plugin-vue";
import globals from "globals";
import ts from "typescript-eslint";
import { readdirSync, readFileSync } from "node:fs";

const contexts = readdirSync(new URL("./src/features", import.meta.url));
const { tiers } = JSON.parse(readFileSync(new URL("./contexts.json", import.meta.url), "utf8"));
/** What the app collects; another feature has no business with it. */
const COLLECTED = ["routes", "nav", "words", "meterPage", "ownPage"];

function tierOf(context) {
  const found = tiers.findIndex((tier) => tier.includes(context));
  if (found < 0) throw new Error(`src/features/${context} is no context of contexts.json`);
  return found;
}

/** Modules of `other` that `context` may not import. */
function closed(context, other) {
  if (tierOf(other) >= tierOf(context)) return [`@/features/${other}/**`];
  return [`@/features/${other}/*/**`, ...COLLECTED.map((file) => `@/features/${other}/${file}`)];
}

function zone(files, forbidden, why) {
  return {
    files,
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: [{ group: [...forbidden, "../*"], message: `${why} Use '@/…' for other folders.` }] },
      ],
    },
  };
}

export default ts.config(
  { ignores: ["dist", "node_modules", "src/api/schema.ts"] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...ts.configs.stylistic,
  ...vue.configs["flat/recommended"],
  {
    files: ["**/*.ts", "**/*.vue"],
    languageOptions: {
      globals: globals.browser,
      parserOptions: { parser: ts.parser, extraFileExtensions: [".vue"], sourceType: "module" },
    },
    rules: {
      "no-undef": "off", // TypeScript knows better
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/consistent-type-definitions": "off", // generated types are aliases
      "vue/max-attributes-per-line": "off", // layout is the formatter's business
      "vue/singleline-html-element-content-newline": "off",
      "vue/html-self-closing": ["error", { html: { void: "always" } }],
      "vue/html-indent": "off",
      "vue/html-closing-bracket-newline": "off",
      "vue/no-v-html": "error", // text from meters and people is never markup
      "vue/block-lang": ["error", { script: { lang: "ts" } }],
      "vue/component-api-style": ["error", ["script-setup"]],
      "max-lines": ["error", { max: 500, skipComments: true }],
      "no-console": "error",
    },
  },
  { files: ["scripts/**", "e2e/**", "*.js"], languageOptions: { globals: { ...globals.node, ...globals.browser } }, rules: { "no-console": "off" } },
  zone(["src/phone/**"], ["@/app/**"], "The phone pages are an app of their own: they know features, shared and api."),
  { files: ["src/phone/worker.js", "public/push-worker.js"], languageOptions: { globals: globals.serviceworker } },
  zone(["src/api/**"], ["@/shared/**", "@/features/**", "@/app/**"], "api stands alone."),
  zone(["src/shared/**"], ["@/features/**", "@/app/**"], "shared may use api only."),
  ...contexts.map((name) =>
    zone(
      [`src/features/${name}/**`],
      ["@/app/**", ...contexts.filter((other) => other !== name).flatMap((other) => closed(name, other))],
      "A feature knows shared, api and the faces of features in lower tiers.",
    ),
  ),
);
