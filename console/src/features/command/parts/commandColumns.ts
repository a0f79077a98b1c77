// SPDX-License-Identifier: Apache-2.0
import { useI18n } from "vue-i18n";
import { useColumns, type Columns } from "@/shared/columns";
import { useSession } from "@/shared/session";

/** Columns of a list of commands; that of one meter does not name it and is not sorted. */
export function useCommandColumns(list: "commands" | "meter_commands", place: string): Columns {
  const { t } = useI18n();
  const { may } = useSession();
  const ofAll = list === "commands";
  return useColumns(list, () => [
    { name: "id", label: t("command.id"), look: "num", fixed: true },
    ...(ofAll ? [{ name: "number", label: t("meter.number"), fixed: true }] : []),
    { name: "kind", label: t("command.kind") },
    { name: "state", label: t("command.state") },
    { name: "reason", label: t("command.reason") },
    { name: "by", label: t("command.by") },
    { name: "given", label: t("command.given"), sort: ofAll && "down" },
    { name: "sent", label: t("command.sentAt"), extra: true },
    { name: "ended", label: t("command.endedAt"), extra: true },
    { name: "until", label: t("command.until") },
    { name: "attempts", label: t("command.attempts"), look: "num" },
    ...(may("give_commands") ? [{ name: "cancel", label: t("command.cancel"), fixed: true, silent: true }] : []),
  ], { usual: "-given", place });
}
