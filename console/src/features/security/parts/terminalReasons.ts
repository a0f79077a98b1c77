// SPDX-License-Identifier: Apache-2.0
// What was found about a terminal, worst first, in the reader's language.
import { useKnown } from "@/shared/i18n/known";

/** Kinds with their counts: the most frequent first, then by name, so that a list does not jump about. */
export function sortedReasons(reasons: Record<string, number>): { kind: string; count: number }[] {
  return Object.entries(reasons)
    .map(([kind, count]) => ({ kind, count }))
    .sort((a, b) => b.count - a.count || a.kind.localeCompare(b.kind));
}

export function useReasonText() {
  const known = useKnown();
  const kindName = (kind: string): string => known(`security.kinds.${kind}`, kind);
  return {
    kindName,
    reasonText: (reasons: Record<string, number>): string =>
      sortedReasons(reasons)
        .map(({ kind, count }) => `${kindName(kind)} × ${String(count)}`)
        .join(", "),
  };
}
