// SPDX-License-Identifier: Apache-2.0
// What can be said of a new password before the server judges it.
export const LEAST_LENGTH = 10;

export type PasswordFault = "tooShort" | "same" | "different";

/** The first fault found, as a key under `signIn`; null when the server may decide. */
export function passwordFault(current: string, fresh: string, repeat: string): PasswordFault | null {
  if ([...fresh].length < LEAST_LENGTH) return "tooShort";
  if (fresh === current) return "same";
  if (fresh !== repeat) return "different";
  return null;
}
