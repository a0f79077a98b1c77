// SPDX-License-Identifier: Apache-2.0
// What was found about a terminal, worst first, in the reader's language.
import { useI18n } from "vue-i18n";

/** Kinds with their counts: the most frequent first, then by name, so that a list does not jump about. */
export function sortedReasons(reasons: Record<string, number>): { kind: string; count: number }[] {
  return Object.entries(reasons)
    .map(([kind, count]) => ({ kind, count }))
    .sort((a, b) => b.count - a.count || a.kind.localeCompare(b.kind));
}

export function useReasonText() {
  const { t, te } = useI18n();
  const kindName = (kind: string): string => (te(`access.kinds.${kind}`) ? t(`access.kinds.${kind}`) : kind);
  return {
    kindName,
    reasonText: (reasons: Record<string, number>): string =>
      sortedReasons(reasons)
        .map(({ kind, count }) => `${kindName(kind)} × ${String(count)}`)
        .join(", "),
  };
}
