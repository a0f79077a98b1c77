// SPDX-License-Identifier: Apache-2.0
// Names of events in the reader's language; an event this console does not know yet shows its own name.
import { useI18n } from "vue-i18n";

export function useEventNames() {
  const { t, te } = useI18n();
  return {
    eventName(event: string): string {
      const key = `event.${event}`;
      return te(key) ? t(key) : event;
    },
  };
}
