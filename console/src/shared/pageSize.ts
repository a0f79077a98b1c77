// SPDX-License-Identifier: Apache-2.0
// How many rows a page of a list has: a person's choice, the same for all lists that ask for it, kept with the person (preferences.ts) and in this
// browser, so that the first list after a start does not wait for it.
import { ref, watch } from "vue";

const KEPT = "openmains.page.size";
export const PAGE_SIZES: readonly number[] = [20, 50, 100, 200];
const USUAL = 50;

const kept = Number(localStorage.getItem(KEPT));
export const pageSize = ref(PAGE_SIZES.includes(kept) ? kept : USUAL);
watch(pageSize, (size) => { localStorage.setItem(KEPT, String(size)); });
