// SPDX-License-Identifier: Apache-2.0
// Names of kinds, states, events, actors and reasons in the reader's language; what this console does not know shows as it is.
import { useI18n } from "vue-i18n";
import { locale } from "@/shared/i18n";
import { useKnown } from "@/shared/i18n/known";
import { paramsText } from "@/shared/format/params";
import { labelOf, quantityText, type BalanceKind } from "@/shared/format/quantity";
import { listText } from "@/shared/listText";
import { useSession } from "@/shared/session";
import { adviceOf } from "./outcome";

export function useCommandWords() {
  const { t } = useI18n();
  const known = useKnown();
  const { zone } = useSession();
  return {
    kindName: (kind: string) => known(`command.kinds.${kind}`, kind),
    stateName: (state: string) => known(`command.states.${state}`, state),
    /** Why, and what to do now, behind the signer's or the meter's word. */
    whyText: (verdict: string, reason: string): string => {
      const why = reason === "" ? "" : listText(reason.split(",").map((part) => known(`command.why.${part.trim()}`, part.trim())));
      const said = verdict === "" ? why : `${t("command.verdict", { verdict: known(`command.verdicts.${verdict}`, verdict) })}${why === "" ? "" : ` (${why})`}`;
      return [said, t(`command.advice.${adviceOf(reason, verdict)}`)].filter((part) => part !== "").join(locale() === "zh" ? "。" : ". ");
    },
    eventName: (event: string) => known(`command.events.${event}`, event),
    actorName: (actor: string) => known(`command.actors.${actor}`, actor),
    verdictName: (verdict: string) => known(`command.verdicts.${verdict}`, verdict),
    /** Codes joined by commas, `replaced_by 12`, or what a person wrote. */
    reasonText(reason: string): string {
      const replaced = /^replaced_by (\d+)$/.exec(reason);
      if (replaced !== null) return t("command.replacedBy", { id: replaced[1] ?? "" });
      return listText(reason.split(",").map((part) => known(`command.why.${part}`, part)));
    },
    /** What a command says, with units and words; a safety closing with its reason. `meters`: the meter's kind of balance, where it is known. */
    contentText(kind: string, params: Record<string, unknown>, meters?: BalanceKind): string {
      if (kind !== "safety_close") return paramsText(kind, params, locale(), zone.value, meters);
      const said = [known(`command.safetyReasons.${String(params.reason)}`, String(params.reason)), String(params.evidence ?? "")];
      if (params.alarm_id !== undefined) said.push(t("command.safety.alarmNo", { id: String(params.alarm_id) }));
      if (params.work_order !== undefined) said.push(t("command.safety.orderNo", { id: String(params.work_order) }));
      return listText(said);
    },
    /** A parameter, setting or point of an answer: what it is called, and its value with its unit. */
    labelText: (name: string) => labelOf(name, locale()),
    valueText: (name: string, value: unknown, meters?: BalanceKind, exponent?: number) => quantityText(name, value, locale(), zone.value, meters, exponent),
    titleOf: (titled: { title_zh: string; title_en: string }) => (locale() === "zh" ? titled.title_zh : titled.title_en),
  };
}
