// SPDX-License-Identifier: Apache-2.0
// What modules may lack in their handshake, by the fields of a product.

export const HANDSHAKE_GAPS = ["allow_cbc", "allow_no_ems"] as const;
export type HandshakeGap = (typeof HANDSHAKE_GAPS)[number];
export type Gaps = Record<HandshakeGap, boolean>;

/** What is to be sent: only what is other than before. */
export function changedGaps(before: Gaps, wanted: Gaps): Partial<Gaps> {
  return Object.fromEntries(HANDSHAKE_GAPS.filter((gap) => before[gap] !== wanted[gap]).map((gap) => [gap, wanted[gap]]));
}

/** What is switched on, and has its risk to be said once more. */
export function newlyAllowed(before: Gaps, wanted: Gaps): HandshakeGap[] {
  return HANDSHAKE_GAPS.filter((gap) => wanted[gap] && !before[gap]);
}

/** What a product allows. */
export function allowedGaps(product: Gaps): HandshakeGap[] {
  return HANDSHAKE_GAPS.filter((gap) => product[gap]);
}
