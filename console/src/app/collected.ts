// SPDX-License-Identifier: Apache-2.0
// What the features bring along, found by the names of their files: nothing here names a feature.
import type { Words } from "@/shared/i18n/bilingual";
import type { MeterPart } from "@/shared/meterPage";
import type { OwnPart } from "@/shared/ownPage";
import type { NavEntry, Page } from "@/shared/pages";

const wordFiles = import.meta.glob<{ words: Words }>("/src/features/*/words.ts", { eager: true });
const routeFiles = import.meta.glob<{ routes: readonly Page[] }>("/src/features/*/routes.ts", { eager: true });
const navFiles = import.meta.glob<{ nav: readonly NavEntry[] }>("/src/features/*/nav.ts", { eager: true });
const meterPages = import.meta.glob<{ meterParts: readonly MeterPart[] }>("/src/features/*/meterPage.ts", { eager: true });
const ownPages = import.meta.glob<{ ownParts: readonly OwnPart[] }>("/src/features/*/ownPage.ts", { eager: true });

/** Words by context. */
export const words: ReadonlyMap<string, Words> = new Map(Object.entries(wordFiles).map(([path, file]) => [contextOf(path), file.words]));
export const pages: readonly Page[] = Object.values(routeFiles).flatMap((file) => file.routes);
/** A page by its name. */
export const pageAt = (name: string): Page | undefined => pages.find((page) => page.name === name);
export const nav: readonly NavEntry[] = Object.values(navFiles).flatMap((file) => file.nav).sort((a, b) => a.order - b.order);
export const meterParts: readonly MeterPart[] = Object.values(meterPages).flatMap((file) => file.meterParts);

export const ownParts: readonly OwnPart[] = Object.values(ownPages).flatMap((file) => file.ownParts);

function contextOf(path: string): string {
  return path.split("/")[3] ?? "";
}
