// SPDX-License-Identifier: Apache-2.0
// The service worker of the phone pages. It keeps code and pictures of one build, whole or not at all, and nothing else: what the API answers
// never goes into its cache, so no personal data is in it. What stands in quotation marks with % is filled in by
// scripts/field-worker.mjs: there is one for each app of the phone, work outside (field) and customers (my).
const VERSION = "%VERSION%";
const FILES = "%FILES%";
const APP = "%APP%";
const CACHE = `openmains-${APP}-${VERSION}`;
const known = new Set(FILES);

self.addEventListener("install", (event) => {
  // Past the browser's own cache: a stale page beside new code would ask for files that are gone.
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: "reload" })))));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name.startsWith(`openmains-${APP}-`) && name !== CACHE).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

// A new build waits until the page says so: two builds are never mixed within an open page.
self.addEventListener("message", (event) => {
  if (event.data === "take-over") void self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin || url.pathname.startsWith("/api/")) return;
  const file = request.mode === "navigate" && url.pathname.startsWith(`/${APP}/`) ? `/${APP}/` : url.pathname;
  if (!known.has(file)) return;
  event.respondWith(caches.open(CACHE).then((cache) => cache.match(file, { ignoreVary: true })).then((found) => found ?? fetch(request)));
});
