// SPDX-License-Identifier: Apache-2.0
// Names of events in the reader's language; an event this console does not know yet shows its own name.
import { useKnown } from "@/shared/i18n/known";

export function useEventNames() {
  const known = useKnown();
  return { eventName: (event: string): string => known(`event.${event}`, event) };
}
