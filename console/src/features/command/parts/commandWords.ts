// SPDX-License-Identifier: Apache-2.0
// Names of kinds, states, events, actors and reasons in the reader's language; what this console does not know shows as it is.
import { useI18n } from "vue-i18n";
import { locale } from "@/shared/i18n";
import { useKnown } from "@/shared/i18n/known";
import { listText } from "@/shared/listText";
import { paramsText } from "./paramForm";

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
    /** What a command says: a safety closing in words, others by their parameters. */
    contentText(kind: string, params: Record<string, unknown>): string {
      if (kind !== "safety_close") return paramsText(params);
      const said = [known(`command.safetyReasons.${String(params.reason)}`, String(params.reason)), String(params.evidence ?? "")];
      if (params.alarm_id !== undefined) said.push(t("command.safety.alarmNo", { id: String(params.alarm_id) }));
      if (params.work_order !== undefined) said.push(t("command.safety.orderNo", { id: String(params.work_order) }));
      return listText(said);
    },
    titleOf: (titled: { title_zh: string; title_en: string }) => (locale() === "zh" ? titled.title_zh : titled.title_en),
  };
}
