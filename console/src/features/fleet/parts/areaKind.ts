// SPDX-License-Identifier: Apache-2.0
// What a kind of areas is called in the console's language; the utility may have given it one name only.
import type { AreaKind } from "@/features/fleet/calls";
import type { Locale } from "@/shared/i18n/bilingual";

export function kindText(kinds: readonly AreaKind[] | undefined, id: number | null, language: Locale): string {
  const found = kinds?.find((kind) => kind.kind_id === id);
  if (found === undefined) return "—";
  return language === "en" && found.name_en !== "" ? found.name_en : found.name;
}
