// SPDX-License-Identifier: Apache-2.0
// Clearing an alarm that its meter has not cleared: asked about always, with a reason for a critical or major one.
import { useQueryClient } from "@tanstack/vue-query";
import { useI18n } from "vue-i18n";
import { alarmText } from "@/features/alarm/alarmText";
import { clearAlarm, type Alarm } from "@/features/alarm/calls";
import { locale } from "@/shared/i18n";
import { confirmAct } from "@/shared/confirmAct";
import { useEventNames } from "@/shared/eventNames";
import { toastDone } from "@/shared/toast";

export function useClearing() {
  const { t } = useI18n();
  const { eventName } = useEventNames();
  const client = useQueryClient();
  async function clear(alarm: Alarm): Promise<void> {
    const done = await confirmAct({
      title: t("alarm.clearAct.title", { number: alarm.number, event: alarmText(alarm, eventName, locale() === "zh" ? "zh" : "en") }),
      consequences: [t("alarm.clearAct.gone"), t("alarm.clearAct.meter")],
      wayBack: t("alarm.clearAct.back"),
      go: t("alarm.clear"),
      reason: alarm.severity === "critical" || alarm.severity === "major",
      run: (reason) => clearAlarm(alarm.alarm_id, reason),
      renew: () => client.invalidateQueries({ queryKey: ["alarms"] }),
    });
    if (done) toastDone(t("alarm.cleared"));
  }
  return { clear };
}
