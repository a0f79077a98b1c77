// SPDX-License-Identifier: Apache-2.0
// The service worker of browser push. Its scope is a place without pages: it handles no request of any page and caches nothing. What it shows
// is what the server wrote (app/notice/shapes/web_push.py), opened by the browser with a key that never leaves it (RFC 8291).
function said(event) {
  try {
    const found = event.data?.json();
    return typeof found === "object" && found !== null ? found : {};
  } catch {
    return {};
  }
}

/** A page of this console, never of another place: whatever a message says, a click stays here. */
function pageOf(url) {
  return typeof url === "string" && /^\/[a-z][a-z0-9/-]*$/.test(url) ? url : "/inbox";
}

self.addEventListener("install", () => void self.skipWaiting());

self.addEventListener("push", (event) => {
  const notice = said(event);
  // Browsers take the permission away from who gets a push and shows nothing: what cannot be read is shown as a notice without words.
  const title = typeof notice.title === "string" && notice.title !== "" ? notice.title : "OpenMains";
  event.waitUntil(
    self.registration.showNotification(title, {
      body: typeof notice.body === "string" ? notice.body : "",
      tag: typeof notice.key === "string" ? notice.key : undefined, // a repeat takes the place of the first
      lang: notice.lang === "en" ? "en" : "zh-CN",
      icon: "/mark.svg",
      requireInteraction: notice.severity === "critical",
      data: { url: pageOf(notice.url) },
    }),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = new URL(pageOf(event.notification.data?.url), self.location.origin).href;
  event.waitUntil(
    self.clients.matchAll({ type: "window", includeUncontrolled: true }).then(async (windows) => {
      const there = windows.find((one) => one.url === url);
      if (there !== undefined) return there.focus();
      return self.clients.openWindow(url);
    }),
  );
});
