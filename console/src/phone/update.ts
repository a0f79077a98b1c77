// SPDX-License-Identifier: Apache-2.0
// The service worker: kept, and replaced only when the person says so, between two acts. What waits is in IndexedDB and outlives it.
import { ref } from "vue";

/** A new build lies ready. */
export const ready = ref<ServiceWorker | null>(null);
/** The pages can be opened without network from now on. */
export const installed = ref(false);
/** Without HTTPS the browser offers neither service worker nor camera. */
export const insecure = !window.isSecureContext;

export function watchWorker(script: string, scope: string): void {
  if (!("serviceWorker" in navigator)) return;
  const container = navigator.serviceWorker;
  let taken = container.controller !== null;
  container.addEventListener("controllerchange", () => {
    if (taken) window.location.reload(); // the new build's code for the new build's files
    taken = true;
  });
  void container.register(script, { scope }).then((registration) => {
    const waits = (): void => {
      if (registration.waiting !== null && container.controller !== null) ready.value = registration.waiting;
    };
    waits();
    registration.addEventListener("updatefound", () => {
      registration.installing?.addEventListener("statechange", waits);
    });
    setInterval(() => void registration.update().catch(() => undefined), 3_600_000);
  }, () => undefined);
  void container.ready.then(() => (installed.value = true));
}

export function takeOver(): void {
  ready.value?.postMessage("take-over");
}
