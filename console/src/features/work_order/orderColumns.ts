// SPDX-License-Identifier: Apache-2.0
import { useI18n } from "vue-i18n";
import { useColumns, type Columns } from "@/shared/columns";

/** Columns of a list of work orders. `canSort`: the list asks the server for its order. */
export function useOrderColumns(place: string, canSort = true): Columns {
  const { t } = useI18n();
  return useColumns("orders", () => [
    { name: "number", label: t("order.number"), look: "num", fixed: true },
    { name: "severity", label: t("alarm.severity"), sort: canSort && "up" },
    { name: "what", label: t("order.what") },
    { name: "place", label: t("order.place") },
    { name: "state", label: t("order.state") },
    { name: "assignee", label: t("order.assignee") },
    { name: "due", label: t("order.due"), sort: canSort && "up" },
    { name: "source", label: t("order.source") },
    { name: "made", label: t("order.made"), sort: canSort && "down" },
  ], { usual: "-made", place });
}
