// SPDX-License-Identifier: Apache-2.0
// What many live messages ask for is done once: a burst of alarms fetches a list once a second, not once an alarm.
import { onScopeDispose } from "vue";

export const SOON_MS = 1000;

/** Does `run` a moment after it was asked for, once however often that was meanwhile; not any more once the component is gone. */
export function useSoon(run: () => void, waitMs = SOON_MS): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  onScopeDispose(() => { clearTimeout(timer); });
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      run();
    }, waitMs);
  };
}
