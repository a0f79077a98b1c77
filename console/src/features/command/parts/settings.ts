// SPDX-License-Identifier: Apache-2.0
// Which settings a kind may set: by its effect, as the server's driver pages say (drivers/model.py).
import type { CommandParameter } from "@/features/command/calls";
import { factsOf } from "@/features/command/kinds";

const SIGNED: readonly string[] = ["money", "valve"];

/** Settings of `set_parameters`, or of the signed kind; for reading all of them. */
export function settingsOf(kind: string, settings: readonly CommandParameter[]): CommandParameter[] {
  const { reads, signed } = factsOf(kind);
  return settings.filter((one) => reads === true || SIGNED.includes(one.effect) === (signed === true));
}
