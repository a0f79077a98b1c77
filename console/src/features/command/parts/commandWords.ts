// SPDX-License-Identifier: Apache-2.0
// Names of kinds, states, events, actors and reasons in the reader's language; what this console does not know shows as it is.
import { useI18n } from "vue-i18n";
import { locale } from "@/shared/i18n";
import { useKnown } from "@/shared/i18n/known";
import { listText } from "@/shared/listText";

export function useCommandWords() {
  const { t } = useI18n();
  const known = useKnown();
  return {
    kindName: (kind: string) => known(`command.kinds.${kind}`, kind),
    stateName: (state: string) => known(`command.states.${state}`, state),
    eventName: (event: string) => known(`command.events.${event}`, event),
    actorName: (actor: string) => known(`command.actors.${actor}`, actor),
    verdictName: (verdict: string) => known(`command.verdicts.${verdict}`, verdict),
    /** Codes joined by commas, `replaced_by 12`, or what a person wrote. */
    reasonText(reason: string): string {
      const replaced = /^replaced_by (\d+)$/.exec(reason);
      if (replaced !== null) return t("command.replacedBy", { id: replaced[1] ?? "" });
      return listText(reason.split(",").map((part) => known(`command.why.${part}`, part)));
    },
    titleOf: (titled: { title_zh: string; title_en: string }) => (locale() === "zh" ? titled.title_zh : titled.title_en),
  };
}
