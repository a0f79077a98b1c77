// SPDX-License-Identifier: Apache-2.0
// Changes what the person set. Apart from what is set, which the phone pages need too and which loads nothing of the console's parts.
import { changePreferences, type PreferencesChange } from "@/shared/calls";
import { takePreferences } from "@/shared/preferences";
import { toastProblem } from "@/shared/toast";

/** Sets something; what the server does not take is told and stays as it was. */
export async function prefer(change: PreferencesChange): Promise<boolean> {
  try {
    takePreferences(await changePreferences(change));
    return true;
  } catch (error) {
    toastProblem(error);
    return false;
  }
}
