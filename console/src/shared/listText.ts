// SPDX-License-Identifier: Apache-2.0
import { locale } from "@/shared/i18n";

/** Words of a list with the comma of the reader's language. */
export function listText(words: readonly string[]): string {
  return words.join(locale() === "zh" ? "、" : ", ");
}
