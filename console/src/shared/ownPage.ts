// SPDX-License-Identifier: Apache-2.0
// What the page of one's own settings holds beside who one is. Each feature names its parts in a file `ownPage.ts`, the app collects them,
// and the page shows them without knowing whose they are.
import { defineAsyncComponent, inject, type Component, type InjectionKey } from "vue";

export interface OwnPart {
  name: string;
  /** Place among the others, the lowest first. */
  order: number;
  load: () => Promise<{ default: Component }>;
}

export const OWN_PARTS: InjectionKey<readonly OwnPart[]> = Symbol("own parts");

/** In their order, each with what shows it. */
export function useOwnParts() {
  return [...inject(OWN_PARTS, [])].sort((a, b) => a.order - b.order).map((part) => ({ ...part, view: defineAsyncComponent(part.load) }));
}
