// SPDX-License-Identifier: Apache-2.0
// Style and import zones. Zones go one way: app > features/<context> > shared > api. Features do not know each other.
import js from "@eslint/js";
import vue from "eslint-plugin-vue";
import globals from "globals";
import ts from "typescript-eslint";
import { readdirSync } from "node:fs";

const contexts = readdirSync(new URL("./src/features", import.meta.url));

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
  zone(["src/api/**"], ["@/shared/**", "@/features/**", "@/app/**"], "api stands alone."),
  zone(["src/shared/**"], ["@/features/**", "@/app/**"], "shared may use api only."),
  ...contexts.map((name) =>
    zone(
      [`src/features/${name}/**`],
      ["@/app/**", ...contexts.filter((other) => other !== name).map((other) => `@/features/${other}/**`)],
      "A feature knows shared and api, not the other features.",
    ),
  ),
);
