// SPDX-License-Identifier: Apache-2.0
// Areas and products to choose from, fetched once for all pages that offer them.
import { keepPreviousData, useQuery } from "@tanstack/vue-query";
import { computed, type Ref } from "vue";
import { getArea, listAreas, listProducts, listTags } from "./calls";

const STALE_MS = 300_000; // they change a few times a year

/** The areas that have all typed words in code or name, at most a page; and the chosen one, wherever it is. */
export function useAreaSearch(chosen: Ref<string>, typed: Ref<string>) {
  const { data } = useQuery({
    queryKey: ["areas", typed],
    queryFn: ({ signal }) => listAreas(typed.value === "" ? {} : { q: typed.value }, signal),
    staleTime: STALE_MS,
    placeholderData: keepPreviousData,
  });
  const { text } = useAreaText(chosen);
  const found = computed(() => (data.value?.items ?? []).map((area) => ({ value: String(area.area_id), text: area.name })));
  return {
    choices: computed(() =>
      chosen.value === "" || found.value.some((one) => one.value === chosen.value)
        ? found.value
        : [{ value: chosen.value, text: text.value === "" ? "…" : text.value }, ...found.value],
    ),
    /** More than one page: the rest is found by typing. */
    isMany: computed(() => data.value?.next != null),
  };
}

/** What an area chosen by its id is called; '' while nothing is chosen or known. */
export function useAreaText(chosen: Ref<string>) {
  const { data } = useQuery({
    queryKey: ["area", chosen],
    queryFn: ({ signal }) => getArea(Number(chosen.value), signal),
    enabled: computed(() => chosen.value !== ""),
    staleTime: STALE_MS,
  });
  return { text: computed(() => (chosen.value === "" ? "" : (data.value?.name ?? chosen.value))) };
}

export function useProducts() {
  const query = useQuery({ queryKey: ["products"], queryFn: ({ signal }) => listProducts(signal), staleTime: STALE_MS });
  const products = computed(() => query.data.value?.items ?? []);
  return {
    products,
    query,
    /** With the code before the name; `name` alone where there is little room. */
    productChoices: computed(() => products.value.map(({ product_id: id, code, name }) => ({ value: String(id), text: `${code} · ${name}`, name }))),
  };
}

export function useTags() {
  const query = useQuery({ queryKey: ["tags"], queryFn: ({ signal }) => listTags(signal), staleTime: STALE_MS });
  const tags = computed(() => query.data.value?.items ?? []);
  return { tags, tagChoices: computed(() => tags.value.map((tag) => ({ value: String(tag.tag_id), text: tag.name }))) };
}
