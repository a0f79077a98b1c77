// SPDX-License-Identifier: Apache-2.0
// Which steps of its day a finding is about.
import type { Reading, ReadingException } from "@/features/readings/calls";

const OF_ONE_STEP: readonly string[] = ["over_qmax", "reverse_flow"];

/** Start of the first and end of the last step; the whole day unless the rule speaks of the one step at its instant. */
export function stepsOf(finding: Pick<ReadingException, "rule" | "at">, points: readonly Pick<Reading, "start" | "end">[]): { start: string; end: string } {
  const at = Date.parse(finding.at);
  const own = OF_ONE_STEP.includes(finding.rule) ? points.find((point) => Date.parse(point.start) <= at && at < Date.parse(point.end)) : undefined;
  return { start: own?.start ?? points[0]?.start ?? "", end: own?.end ?? points.at(-1)?.end ?? "" };
}
