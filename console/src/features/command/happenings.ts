// SPDX-License-Identifier: Apache-2.0
// What happens to a meter, in words: which alarm, which command, which finding.
import type { MeterEvent } from "@/features/command/calls";
import { words } from "@/features/identity/auditWords";
import { addWords } from "@/shared/i18n";

addWords(words);

const PLACES: Readonly<Record<MeterEvent["kind"], (code: string) => string>> = {
  alarm_raised: (code) => `event.${code}`,
  alarm_cleared: (code) => `event.${code}`,
  command_given: (code) => `command.kinds.${code}`,
  command_ended: (code) => `command.kinds.${code}`,
  finding: (code) => `rule.${code}`,
  edit: (code) => `versions.causes.${code}`,
  manual_reading: (code) => `manual.sources.${code}`,
  safety_closing: (code) => `command.safetyReasons.${code}`,
  act: (code) => `trail.actions.${code}`,
};

/** Key of the words for an event's code. */
export const codeKey = (event: Pick<MeterEvent, "kind" | "code">): string => PLACES[event.kind](event.code);
