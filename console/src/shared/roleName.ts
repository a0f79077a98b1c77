// SPDX-License-Identifier: Apache-2.0
// What a role is called where only its code is known: a built-in one by its words, the utility's own as such.
import { i18n } from "@/shared/i18n";

export const isOwnRole = (code: string): boolean => code.startsWith("own-");

export function roleName(code: string): string {
  return i18n.global.t(`role.${isOwnRole(code) ? "own" : code}`);
}
