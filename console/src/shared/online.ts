// SPDX-License-Identifier: Apache-2.0
// Whether the server can be reached: what the browser says, and what the last call or the live connection found.
import { computed, ref } from "vue";

const browser = ref(navigator.onLine);
const reached = ref(true);

window.addEventListener("online", () => (browser.value = true));
window.addEventListener("offline", () => (browser.value = false));

export const online = computed(() => browser.value && reached.value);

export function noteReached(value: boolean): void {
  reached.value = value;
}
