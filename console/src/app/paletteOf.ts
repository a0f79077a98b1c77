// SPDX-License-Identifier: Apache-2.0
// Pages that open without a number in their address, and what the frame itself can do, for what the person may do.
import type { Permission } from "@/api/types";
import { isText, type Text, type Words } from "@/shared/i18n/bilingual";
import { words as shared } from "@/shared/i18n/words";
import type { PaletteEntry } from "@/shared/palette";
import type { Theme } from "@/shared/theme";
import { pages, words } from "./collected";

interface Frame {
  t: (key: string) => string;
  may: (needed: Permission) => boolean;
  go: (page: string) => unknown;
  setLocale: () => unknown;
  setTheme: (theme: Theme) => unknown;
  leave: () => unknown;
}

const trees: readonly Words[] = [shared, ...words.values()];

/** A text in both languages, one a line. */
function both(key: string): string {
  for (const tree of trees) {
    let found: Text | Words | undefined = tree;
    for (const part of key.split(".")) found = found === undefined || isText(found) ? undefined : found[part];
    if (found !== undefined && isText(found)) return found.join("\n");
  }
  return "";
}

export function paletteOf({ t, may, go, setLocale, setTheme, leave }: Frame): readonly PaletteEntry[] {
  const open = pages.filter(({ path, meta }) => !path.includes(":") && meta.open !== true && meta.title !== "gallery.title" && (meta.needs === undefined || may(meta.needs)));
  const act = (key: string, run: () => unknown): PaletteEntry => ({ key: `act ${key}`, text: t(key), also: both(key), run });
  return [
    ...open.map(({ name, meta }) => ({ key: `page ${name}`, text: t(meta.title), also: both(meta.title), run: () => go(name) })),
    act("frame.otherLanguage", setLocale),
    act("frame.toLight", () => setTheme("light")),
    act("frame.toDark", () => setTheme("dark")),
    act("frame.signOut", leave),
  ];
}
