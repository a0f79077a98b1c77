// SPDX-License-Identifier: Apache-2.0
import { useI18n } from "vue-i18n";

/** The text of a key that a newer server's code may lack here; then the code itself is shown. */
export function useKnown() {
  const { t, te } = useI18n();
  return (key: string, code: string): string => (te(key) ? t(key) : code);
}
