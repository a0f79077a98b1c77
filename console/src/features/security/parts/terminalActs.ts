// SPDX-License-Identifier: Apache-2.0
// What people do about a terminal, from its list and from the page of its meter: the same questions, the same reason.
import { useQueryClient } from "@tanstack/vue-query";
import { useI18n } from "vue-i18n";
import { destroyKey, holdTerminal, releaseTerminal, type HeldState } from "@/features/security/calls";
import { confirmAct } from "@/shared/confirmAct";
import { toastDone } from "@/shared/toast";

interface Whose {
  meter_id: number;
  number: string;
}

export function useTerminalActs() {
  const { t } = useI18n();
  const client = useQueryClient();
  async function tell(done: boolean, text: string): Promise<void> {
    if (done) toastDone(text);
    await client.invalidateQueries({ queryKey: ["security"] });
    await client.invalidateQueries({ queryKey: ["meter"] }); // its signs tell of the step
    await client.invalidateQueries({ queryKey: ["terminals"] });
  }
  async function release({ meter_id: meterId, number }: Whose): Promise<void> {
    const done = await confirmAct({
      title: t("security.act.releaseTitle", { number }),
      consequences: [t("security.act.release")],
      wayBack: t("security.act.releaseBack"),
      go: t("security.release"),
      reason: true,
      run: (reason) => releaseTerminal(meterId, reason),
    });
    await tell(done, t("security.released"));
  }
  async function hold({ meter_id: meterId, number }: Whose, state: HeldState): Promise<void> {
    const name = t(`security.states.${state}`);
    const done = await confirmAct({
      title: t("security.act.holdTitle", { number, state: name }),
      consequences: [t(`security.act.hold.${state}`), t("security.act.holdStays")],
      wayBack: t("security.act.holdBack"),
      go: t("security.hold", { state: name }),
      reason: state !== "observe",
      run: (reason) => holdTerminal(meterId, state, reason),
    });
    await tell(done, t("security.heldDone", { state: name }));
  }
  async function destroy({ meter_id: meterId, number }: Whose): Promise<void> {
    const done = await confirmAct({
      title: t("security.act.destroyTitle", { number }),
      consequences: [t("security.act.destroy")],
      wayBack: t("security.act.destroyBack"),
      go: t("security.destroy"),
      reason: true,
      run: (reason) => destroyKey(meterId, reason),
    });
    await tell(done, t("security.destroyed"));
  }
  return { release, hold, destroy };
}
