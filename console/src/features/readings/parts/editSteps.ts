// SPDX-License-Identifier: Apache-2.0
// Which steps of its day a finding is about, and what may be done with an edit of them.
import type { Reading, ReadingEdit, ReadingException } from "@/features/readings/calls";

const OF_ONE_STEP: readonly string[] = ["over_qmax", "reverse_flow"];

/** Start of the first and end of the last step; the whole day unless the rule speaks of the one step at its instant. */
export function stepsOf(finding: Pick<ReadingException, "rule" | "at">, points: readonly Pick<Reading, "start" | "end">[]): { start: string; end: string } {
  const at = Date.parse(finding.at);
  const own = OF_ONE_STEP.includes(finding.rule) ? points.find((point) => Date.parse(point.start) <= at && at < Date.parse(point.end)) : undefined;
  return { start: own?.start ?? points[0]?.start ?? "", end: own?.end ?? points.at(-1)?.end ?? "" };
}

export type Decision = "approve" | "reject" | "undo";

/** What this person may do with an edit: never approve their own; undo only what lies on top and was applied. */
export function decisionsOf(edit: Pick<ReadingEdit, "state" | "author_id" | "newer">, userId: number | undefined): Decision[] {
  if (edit.state === "pending") return edit.author_id === userId ? ["reject"] : ["approve", "reject"];
  return edit.state === "applied" && edit.newer === null ? ["undo"] : [];
}

/** `00:00–24:00`; a span that ends at midnight ends at 24:00. */
export function spanText(from: string, to: string): string {
  return `${from}–${to === "00:00" ? "24:00" : to}`;
}
