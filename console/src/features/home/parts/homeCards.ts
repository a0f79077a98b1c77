// SPDX-License-Identifier: Apache-2.0
// Which cards of the first page a person sees. Kept with the person as the names of those that are hidden, so that a card that is new is seen by
// everybody. What tells of danger – safety closings – and the first steps of a new utility are no cards: nobody puts them away. Pure.

export const CARDS = ["due", "running", "use", "meters", "ages", "work", "trend", "areas", "alarms"] as const;
export type Card = (typeof CARDS)[number];
/** Of the person's preferences, beside the columns of lists. */
export const KEPT = "home_hidden";

/** What a text such as `trend,areas` leaves; names that are none count for nothing. */
export function shownCards(hidden: string): ReadonlySet<Card> {
  const away = new Set(hidden.split(","));
  return new Set(CARDS.filter((card) => !away.has(card)));
}

/** The text with one card more or less; '' where all are seen. */
export function toggledCard(hidden: string, name: Card): string {
  const shown = new Set(shownCards(hidden));
  if (!shown.delete(name)) shown.add(name);
  return CARDS.filter((card) => !shown.has(card)).join(",");
}
