// SPDX-License-Identifier: Apache-2.0

/** Head of a column: its text; `num` over figures, which stand right-aligned; `hidden` is read aloud only. False is left out. */
export type Head = string | { num: string } | { hidden: string } | false;
