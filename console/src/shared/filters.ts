// SPDX-License-Identifier: Apache-2.0
// The filters in force of a list, each with a way to end it. Whatever narrows a list is shown, also where its field is not: a
// filter that nobody sees makes a list lie.
import { mergedQuery } from "@/shared/urlState";
import type { LocationQuery } from "vue-router";

export interface Chip {
  /** Key of the address that holds it. */
  key: string;
  label: string;
  /** What it is set to, in words; '' where it takes all, and then it is not shown. */
  text: string;
  /** What the address holds once it takes all; left out where that is the default. */
  all?: string;
}

/** The filters that narrow the list. */
export function inForce(chips: readonly Chip[]): readonly Chip[] {
  return chips.filter(({ text }) => text !== "");
}

/** The address's query without these filters, from the first page on. */
export function without(query: LocationQuery, chips: readonly Chip[], place: string): Record<string, string> {
  return mergedQuery(query, Object.fromEntries(chips.map(({ key, all }) => [key, all ?? ""])), [place]);
}

/** Words of a choice by its value; the value itself where it is none of them, '' for ''. */
export function choiceText(choices: readonly { value: string; text: string }[], value: string): string {
  return choices.find((choice) => choice.value === value)?.text ?? value;
}
