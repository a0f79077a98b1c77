// SPDX-License-Identifier: Apache-2.0
// Changes what the person set. Apart from what is set, which the phone pages need too and which loads nothing of the console's parts.
import { changePreferences, type PreferencesChange } from "@/shared/calls";
import { takePreferences } from "@/shared/preferences";
import { toastProblem } from "@/shared/toast";

let before: Promise<unknown> = Promise.resolve(); // two changes on their way at once might be kept in the other order

async function kept(change: PreferencesChange): Promise<boolean> {
  try {
    takePreferences(await changePreferences(change));
    return true;
  } catch (error) {
    toastProblem(error);
    return false;
  }
}

/** Sets something, one after the other; what the server does not take is told and stays as it was. `change`: as a function where it is made out of
 * what is kept, of which it sees what was set before it. */
export function prefer(change: PreferencesChange | (() => PreferencesChange)): Promise<boolean> {
  const mine = before.then(() => kept(typeof change === "function" ? change() : change));
  before = mine;
  return mine;
}
