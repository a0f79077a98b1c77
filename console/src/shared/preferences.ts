// SPDX-License-Identifier: Apache-2.0
// What the person who is signed in set for themselves. It comes with the session; `prefer.ts` changes it.
import { computed, ref } from "vue";
import type { Preferences } from "@/shared/calls";
import { setNumbers } from "@/shared/format/grouping";
import { PAGE_SIZES, pageSize } from "@/shared/pageSize";

const USUAL: Preferences = { numbers: "space", page_rows: null, columns: {} };
const mine = ref<Preferences>(USUAL);

/** As the server has them; null: nobody is signed in. */
export function takePreferences(preferences: Preferences | null): void {
  mine.value = preferences ?? USUAL;
  setNumbers(mine.value.numbers ?? "space");
  const rows = mine.value.page_rows;
  if (typeof rows === "number" && PAGE_SIZES.includes(rows)) pageSize.value = rows;
}

export const preferences = computed(() => mine.value);
/** The columns of a list as the person has them, '' where they are the usual ones. */
export const columnsOf = (list: string): string => mine.value.columns?.[list] ?? "";
