// SPDX-License-Identifier: Apache-2.0
// Words with both languages side by side: a text is a pair, so that one without its other language does not compile.

export type Locale = "zh" | "en";

export type Text = readonly [zh: string, en: string];

/** Texts by key, nested as the dotted keys are that pages ask for. */
export interface Words {
  readonly [key: string]: Text | Words;
}

export interface Messages {
  [key: string]: string | Messages;
}

export function isText(value: Text | Words): value is Text {
  return Array.isArray(value);
}

/** The words of one language, in the shape vue-i18n takes. */
export function messagesOf(words: Words, language: Locale): Messages {
  return Object.fromEntries(
    Object.entries(words).map(([key, value]) => [key, isText(value) ? value[language === "zh" ? 0 : 1] : messagesOf(value, language)]),
  );
}
