// SPDX-License-Identifier: Apache-2.0
// Chinese by default, English complete, switched at any time. The choice is kept in the browser; a new browser starts
// with the language of the signed-in person. Features bring their own words (`words.ts`), the app adds them at the start.
import { createI18n } from "vue-i18n";
import { messagesOf, type Locale, type Words } from "./bilingual";
import { words } from "./words";

export type { Locale } from "./bilingual";

const KEY = "openmains.locale";

function stored(): Locale | null {
  const value = localStorage.getItem(KEY);
  return value === "zh" || value === "en" ? value : null;
}

export const i18n = createI18n({
  legacy: false,
  locale: stored() ?? "zh",
  fallbackLocale: "zh",
  messages: { zh: messagesOf(words, "zh"), en: messagesOf(words, "en") },
});

/** Adds a feature's words in both languages. */
export function addWords(more: Words): void {
  i18n.global.mergeLocaleMessage("zh", messagesOf(more, "zh"));
  i18n.global.mergeLocaleMessage("en", messagesOf(more, "en"));
}

export function locale(): Locale {
  return i18n.global.locale.value;
}

export function setLocale(value: Locale, { remember = true } = {}): void {
  if (remember) localStorage.setItem(KEY, value);
  else if (stored() !== null) return; // the browser's own choice goes before the person's default
  i18n.global.locale.value = value;
  document.documentElement.lang = value === "zh" ? "zh-CN" : "en";
}
