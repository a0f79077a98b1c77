// SPDX-License-Identifier: Apache-2.0
// Reads docs/help.md: a section for each page, `## <name of the page> <title> · <title>`, its lines in Chinese and in English marked `zh:` and `en:`.
import type { Locale } from "@/shared/i18n/bilingual";

export interface Help {
  title: string;
  text: readonly string[];
}

/** The section of the first of these pages that has one; empty where none has. */
export function helpOf(document: string, pages: readonly string[], language: Locale): Help {
  for (const page of pages) {
    const section = document.split(/^## /m).find((one) => page !== "" && one.startsWith(`${page} `));
    if (section === undefined) continue;
    const [head = "", ...lines] = section.split("\n");
    const titles = head.slice(page.length + 1).split(" · ");
    return {
      title: (language === "zh" ? titles[0] : titles[1]) ?? "",
      text: lines.filter((line) => line.startsWith(`- ${language}: `)).map((line) => line.slice(6)),
    };
  }
  return { title: "", text: [] };
}
