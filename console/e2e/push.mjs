// SPDX-License-Identifier: Apache-2.0
// A browser that takes notices, for Chromium on a machine without the internet. Its own push service cannot be reached, so two things stand in:
// `subscribe` answers with a place at a receiver here and with keys of the walk's own, and the receiver opens what our server sealed for them
// (RFC 8291, RFC 8188), as the browser would. The words that come out go by the DevTools protocol to the very service worker of the console, and
// what is shown is Chromium's own notification. A click on one cannot be made from outside: the worker's handler is called with that notification,
// and the page that it asks to open is told.
import assert from "node:assert/strict";
import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes, verify } from "node:crypto";
import { createServer } from "node:http";
import { until } from "./browser.mjs";

const SCOPE = "/push/";

/** `url`: of the console. Before the page is opened. `close` when it is over. */
export async function pushBrowser(context, page, url) {
  const keys = createECDH("prime256v1");
  const own = keys.generateKeys();
  const auth = randomBytes(16);
  const got = [];
  let answer = 201;
  const service = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      got.push({ headers: request.headers, body: Buffer.concat(parts) });
      response.writeHead(answer).end();
    });
  });
  await new Promise((ready) => service.listen(0, "127.0.0.1", ready));
  const place = `http://127.0.0.1:${String(service.address().port)}`;
  await context.addInitScript(standIn, { endpoint: `${place}/send`, p256dh: own.toString("base64"), auth: auth.toString("base64") });
  const devtools = await context.newCDPSession(page);
  const registrations = new Map();
  devtools.on("ServiceWorker.workerRegistrationUpdated", (news) => news.registrations.forEach((one) => registrations.set(one.scopeURL, one.registrationId)));
  await devtools.send("ServiceWorker.enable");

  const shown = () => page.evaluate(async (scope) => {
    const there = await (await navigator.serviceWorker.getRegistration(scope))?.getNotifications();
    return (there ?? []).map(({ title, body, lang, data, requireInteraction }) => ({ title, body, lang, url: data?.url, requireInteraction }));
  }, SCOPE);
  return {
    grant: () => context.grantPermissions(["notifications"], { origin: url }),
    /** What the push service says from now on. */
    answers: (status) => (answer = status),
    /** The next message, opened as the browser would: its text; who signed it is looked at. */
    async next(publicKey) {
      const message = await until(() => got.shift(), "a push message");
      assert.equal(message.headers["content-encoding"], "aes128gcm");
      signedBy(message.headers.authorization, publicKey, place);
      return opened(message.body, keys, own, auth).toString("utf8");
    },
    /** Hands it to the worker; resolves with the one notification that Chromium then shows. */
    async deliver(text) {
      const registrationId = await until(() => registrations.get(url + SCOPE), "the service worker");
      await devtools.send("ServiceWorker.deliverPushMessage", { origin: url, registrationId, data: text });
      const [first, ...others] = await until(async () => ((found) => found.length > 0 && found)(await shown()), "a notification");
      assert.deepEqual(others, []);
      return first;
    },
    /** A click on it; resolves with the page that the worker asks the browser to open. */
    async click() {
      const worker = await until(() => context.serviceWorkers().find((one) => one.url().endsWith("/push-worker.js")), "the worker");
      const asked = await worker.evaluate(async () => {
        const places = [];
        self.clients.openWindow = async (place) => void places.push(place); // only a person's own click may open a window
        self.clients.matchAll = async () => []; // nor may anything else bring one to the front
        const [notification] = await self.registration.getNotifications();
        const event = new self.NotificationEvent("notificationclick", { notification });
        self.dispatchEvent(event);
        for (let turn = 0; places.length === 0 && turn < 100; turn += 1) await new Promise((again) => setTimeout(again, 20));
        return { places, left: (await self.registration.getNotifications()).length };
      });
      assert.equal(asked.left, 0, "a click takes it off the screen");
      assert.equal(asked.places.length, 1);
      return asked.places[0];
    },
    close: () => new Promise((done) => service.close(done)),
  };
}

/** In the page: the Push API with a push service of the walk's, remembered as a browser remembers it. */
function standIn({ endpoint, p256dh, auth }) {
  if (!("PushManager" in window)) return;
  const kept = "e2e.push";
  const bytesOf = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)).buffer;
  const made = () => ({
    endpoint: `${endpoint}/${localStorage.getItem(kept)}`,
    getKey: (name) => bytesOf(name === "auth" ? auth : p256dh),
    unsubscribe: async () => localStorage.removeItem(kept) === undefined,
  });
  PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
    if (!userVisibleOnly || applicationServerKey.byteLength !== 65) throw new DOMException("", "NotAllowedError");
    localStorage.setItem(kept, crypto.randomUUID());
    return made();
  };
  PushManager.prototype.getSubscription = async () => (localStorage.getItem(kept) === null ? null : made());
}

/** RFC 8291 3.4 and 4: one record. */
function opened(body, keys, own, auth) {
  const salt = body.subarray(0, 16);
  const theirs = body.subarray(21, 21 + body[20]);
  const record = body.subarray(21 + body[20]);
  const seed = hkdfSync("sha256", keys.computeSecret(theirs), auth, Buffer.concat([Buffer.from("WebPush: info\0"), own, theirs]), 32);
  const part = (name, size) => Buffer.from(hkdfSync("sha256", Buffer.from(seed), salt, Buffer.from(`Content-Encoding: ${name}\0`), size));
  const cipher = createDecipheriv("aes-128-gcm", part("aes128gcm", 16), part("nonce", 12));
  cipher.setAuthTag(record.subarray(-16));
  const plain = Buffer.concat([cipher.update(record.subarray(0, -16)), cipher.final()]);
  return plain.subarray(0, plain.lastIndexOf(2)); // the last record ends in 2 and padding
}

/** RFC 8292: the utility's key, for this push service. */
function signedBy(header, publicKey, place) {
  const [, token, key] = /^vapid t=([^,]+), ?k=(.+?)=*$/.exec(header);
  assert.equal(key, publicKey);
  const [head, claims, mark] = token.split(".");
  const point = Buffer.from(publicKey, "base64url");
  const jwk = { kty: "EC", crv: "P-256", x: point.subarray(1, 33).toString("base64url"), y: point.subarray(33).toString("base64url") };
  assert.ok(verify("sha256", Buffer.from(`${head}.${claims}`), { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" }, Buffer.from(mark, "base64url")));
  assert.equal(JSON.parse(Buffer.from(claims, "base64url")).aud, place);
}
