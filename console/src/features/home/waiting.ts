// SPDX-License-Identifier: Apache-2.0
// The work that waits for the person who is signed in: on the first page, and as a figure at the entries of the navigation.
import { useQuery } from "@tanstack/vue-query";
import { computed } from "vue";
import { countText } from "@/shared/format/number";
import { listWaiting, type Queue, type Waiting } from "./calls";

const AGAIN_MS = 60_000;

/** Where the work of each queue is done, and the entry of the navigation that it belongs to. */
export const PLACES: Readonly<Record<Queue, { to: { name: string; query?: Record<string, string> }; under: string }>> = {
  approvals: { to: { name: "approvals" }, under: "commands" },
  batches_stopped: { to: { name: "batches" }, under: "commands" },
  edits: { to: { name: "edits", query: { state: "pending" } }, under: "edits" },
  ledger_acts: { to: { name: "ledger-acts" }, under: "ledger" },
  plans: { to: { name: "tariffs" }, under: "tariffs" },
  exceptions: { to: { name: "exceptions" }, under: "exceptions" },
  visits: { to: { name: "visits" }, under: "visits" },
  own_orders: { to: { name: "work-orders", query: { mine: "yes" } }, under: "work-orders" },
  orders_to_assign: { to: { name: "work-orders", query: { status: "to_assign" } }, under: "work-orders" },
  orders_to_check: { to: { name: "work-orders", query: { status: "to_check" } }, under: "work-orders" },
  unknown_terminals: { to: { name: "onboarding" }, under: "terminals" },
  dead_letters: { to: { name: "system" }, under: "system" },
};

/** A count that ends at `most`: `999+`. */
export function cappedText(count: number, most: number): string {
  return count >= most ? `${countText(most - 1)}+` : countText(count);
}

/** The figure at each entry of the navigation, '' where nothing waits there. */
export function badges(waiting: Waiting | undefined): Record<string, string> {
  const sums: Record<string, number> = {};
  for (const { queue, count } of waiting?.items ?? []) sums[PLACES[queue].under] = (sums[PLACES[queue].under] ?? 0) + count;
  return Object.fromEntries(Object.entries(sums).map(([page, count]) => [page, cappedText(count, waiting?.most ?? count + 1)]));
}

export function useWaiting() {
  const query = useQuery({ queryKey: ["waiting"], queryFn: ({ signal }) => listWaiting(signal), refetchInterval: AGAIN_MS, staleTime: AGAIN_MS / 2, retry: false });
  return { ...query, badges: computed(() => badges(query.data.value)) };
}
