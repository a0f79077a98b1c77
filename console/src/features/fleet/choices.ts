// SPDX-License-Identifier: Apache-2.0
// Areas and products to choose from, fetched once for all pages that offer them.
import { useQuery } from "@tanstack/vue-query";
import { computed } from "vue";
import { listAreas, listProducts } from "./calls";

const STALE_MS = 300_000; // they change a few times a year

export function useAreas() {
  const { data } = useQuery({ queryKey: ["areas"], queryFn: ({ signal }) => listAreas(signal), staleTime: STALE_MS });
  const areas = computed(() => data.value?.items ?? []);
  return { areas, areaChoices: computed(() => areas.value.map((area) => ({ value: String(area.area_id), text: area.name }))) };
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
