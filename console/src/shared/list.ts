// SPDX-License-Identifier: Apache-2.0
// A list that the server gives page by page. Its place is in the address, so that Back is the page before; while another page
// comes, the old one stays on the screen. `ListTable` and `ListBlock` show it.
import { keepPreviousData, useQuery } from "@tanstack/vue-query";
import { computed, reactive } from "vue";
import { pageSize } from "@/shared/pageSize";
import { useUrlText } from "@/shared/urlState";

export interface Paged<Row> {
  items: Row[];
  next?: string | null;
}

export interface List<Row> {
  rows: readonly Row[];
  /** Whether the first page is still to come. */
  loading: boolean;
  error: unknown;
  /** Cursor of the page after this one; null on the last. */
  next: string | null;
  /** Cursor of this page; '' on the first. */
  cursor: string;
  /** Key of the address that holds the cursor. */
  place: string;
  /** Whether a page has as many rows as the person chose. */
  sized: boolean;
  /** How many rows the list has in all, and where counting ended; null while that is not known. */
  total: Total | null;
  refetch: () => unknown;
}

export interface Total {
  count: number;
  most: number;
}

interface Asking<Row> {
  /** Key of the query without the cursor; refs in it make another list when they change. */
  key: readonly unknown[];
  fetch: (cursor: string, signal: AbortSignal, limit: number) => Promise<Paged<Row>>;
  /** The person chooses how many rows a page has; `fetch` is given the number. */
  sized?: boolean;
  /** Counts the rows of all pages; null where the list has no total, such as that of a search. */
  count?: (signal: AbortSignal) => Promise<Total | null>;
  /** Key of the address for a page with several lists; a filter of the list must drop it. */
  place?: string;
  /** Milliseconds until it is asked for again by itself, false: not now. Such a list keeps its rows where asking fails. */
  again?: (rows: readonly Row[]) => number | false;
}

/** The total that a page tells by itself: a first page with nothing after it is all there is. */
export function ownTotal(rows: number, cursor: string, next: string | null): Total | null {
  return cursor === "" && next === null ? { count: rows, most: Infinity } : null;
}

export function useList<Row>({ key, fetch, place = "cursor", again, sized = false, count }: Asking<Row>): List<Row> {
  const cursor = useUrlText(place, "", []);
  const { data, isPending, error, refetch } = useQuery<Paged<Row>>({
    queryKey: sized ? [...key, cursor, pageSize] : [...key, cursor],
    queryFn: ({ signal }) => fetch(cursor.value, signal, pageSize.value),
    placeholderData: keepPreviousData,
    ...(again === undefined ? {} : { refetchInterval: (query) => again(query.state.data?.items ?? []) }),
  });
  const own = computed(() => (data.value === undefined ? null : ownTotal(data.value.items.length, cursor.value, data.value.next ?? null)));
  const counted = useQuery<Total | null>({
    queryKey: ["total", ...key],
    queryFn: ({ signal }) => (count === undefined ? Promise.resolve(null) : count(signal)),
    enabled: computed(() => count !== undefined && data.value !== undefined && own.value === null),
  });
  return reactive({
    total: computed(() => own.value ?? counted.data.value ?? null),
    rows: computed(() => data.value?.items ?? []),
    loading: isPending,
    error: computed(() => (again !== undefined && data.value !== undefined ? null : error.value)),
    next: computed(() => data.value?.next ?? null),
    cursor,
    place,
    sized,
    refetch,
  }) as List<Row>;
}

/** Every row of a list, page after page: for what is counted or sifted here, which a page alone would tell wrongly. */
export async function allPages<Row>(fetch: (cursor: string) => Promise<Paged<Row>>): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor = "";
  do {
    const page = await fetch(cursor);
    rows.push(...page.items);
    cursor = page.next ?? "";
  } while (cursor !== "");
  return rows;
}
