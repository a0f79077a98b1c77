// SPDX-License-Identifier: Apache-2.0
// A list's state lives in the address, so that it can be sent to a colleague, bookmarked, and found again with Back.
import { computed, type WritableComputedRef } from "vue";
import { useRoute, useRouter, type LocationQuery } from "vue-router";

/** The address's query with some keys set; empty values are left out. Setting any key but `kept` ones drops `resets`. */
export function mergedQuery(
  query: LocationQuery,
  changes: Record<string, string>,
  resets: readonly string[] = [],
): Record<string, string> {
  const merged: Record<string, string> = {};
  for (const [key, value] of Object.entries(query)) {
    if (typeof value === "string" && !resets.includes(key)) merged[key] = value;
  }
  for (const [key, value] of Object.entries(changes)) {
    if (value === "") Reflect.deleteProperty(merged, key);
    else merged[key] = value;
  }
  return merged;
}

/** A text kept in the address under `key`. A change goes back to the first page, since the list is another one then. */
export function useUrlText(key: string, fallback = "", resets: readonly string[] = ["cursor"]): WritableComputedRef<string> {
  const route = useRoute();
  const router = useRouter();
  return computed({
    get: () => {
      const value = route.query[key];
      return typeof value === "string" ? value : fallback;
    },
    set: (value) => {
      const kept = value === fallback ? "" : value;
      void router.replace({ query: mergedQuery(route.query, { [key]: kept }, resets) });
    },
  });
}

/** Where to go after sign-in: only a path of this console, never another site. */
export function safeReturn(value: unknown): string {
  return typeof value === "string" && /^\/(?![/\\])/.test(value) ? value : "/";
}
