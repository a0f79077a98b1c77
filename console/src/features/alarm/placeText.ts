// SPDX-License-Identifier: Apache-2.0
// Where a group is: an area, a radio cell, or the whole utility.
import { computed, type Ref } from "vue";
import { useI18n } from "vue-i18n";
import { useAreaText } from "@/features/fleet/choices";
import type { AlarmGroup } from "./calls";

type Placed = Pick<AlarmGroup, "area_id" | "cell">;

export function usePlaceText(group: Ref<Placed | undefined>) {
  const { t } = useI18n();
  const area = computed(() => (group.value?.area_id == null ? "" : String(group.value.area_id)));
  const { text } = useAreaText(area);
  return computed(() => {
    if (group.value === undefined) return "";
    if (group.value.cell !== null) return t("alarm.cell", { cell: group.value.cell });
    return area.value === "" ? t("alarm.whole") : text.value;
  });
}
