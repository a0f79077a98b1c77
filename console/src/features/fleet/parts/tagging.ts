// SPDX-License-Identifier: Apache-2.0
// Putting a tag on meters, or taking it off: the server counts first, the person is told, and only then it is done.
import { useQueryClient } from "@tanstack/vue-query";
import { useI18n } from "vue-i18n";
import { tagMeters, type TagRequest } from "@/features/fleet/calls";
import { useTags } from "@/features/fleet/choices";
import { confirmAct } from "@/shared/confirmAct";
import { countText } from "@/shared/format/number";
import { toastDone, toastProblem } from "@/shared/toast";

export type TagAct = TagRequest["act"];
export const TAG_ACTS = ["put", "take"] as const satisfies readonly TagAct[];
export type Whom = Pick<TagRequest, "meter_ids" | "among">;

/** Asks, and does it; true once it was done. */
export function useTagging() {
  const { t } = useI18n();
  const client = useQueryClient();
  const { tags } = useTags();

  return async (tagId: number, act: TagAct, whom: Whom): Promise<boolean> => {
    const name = tags.value.find((tag) => tag.tag_id === tagId)?.name ?? String(tagId);
    try {
      const { chosen, changed } = await tagMeters(tagId, { act, ...whom, preview: true });
      return await confirmAct({
        title: t(`tag.${act}Title`, { n: countText(changed), name }),
        consequences: [t("tag.chosen", { n: countText(chosen) }), t(`tag.${act}What`, { n: countText(changed) })],
        wayBack: t(`tag.${act}Back`),
        go: t(`tag.${act}`),
        reason: false,
        run: async () => {
          const done = await tagMeters(tagId, { act, ...whom, preview: false });
          toastDone(t(`tag.${act}Done`, { n: countText(done.changed) }));
          await client.invalidateQueries({ queryKey: ["meters"] });
        },
      });
    } catch (fault) {
      toastProblem(fault);
      return false;
    }
  };
}
