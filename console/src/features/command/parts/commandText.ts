// SPDX-License-Identifier: Apache-2.0
// A command in words: `充值 ¥50.00`. The server's twin is app/command/wording.py.
import { factsOf } from "@/features/command/kinds";
import { paramsText } from "@/shared/format/params";
import type { BalanceKind } from "@/shared/format/quantity";
import type { Locale } from "@/shared/i18n/bilingual";

/** The whole command: `充值 ¥50.00`. */
export function commandText(kind: string, params: Record<string, unknown>, language: Locale, zone: string, meters?: BalanceKind): string {
  const title = factsOf(kind).title[language === "zh" ? 0 : 1];
  const said = paramsText(kind, params, language, zone, meters);
  if (said === "") return title;
  return `${title}${kind === "top_up" ? " " : " · "}${said}`;
}
