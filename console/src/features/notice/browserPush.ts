// SPDX-License-Identifier: Apache-2.0
// Browser push, as a browser does it (Push API): the subscription is the browser's, made by the key of the utility; the server gets where to
// write to and by which key to seal, and knows the browser again by the SHA-256 of that place.
import { addOwnBrowser } from "./calls";

const WORKER = "/push-worker.js";
const SCOPE = "/push/"; // no page lies there: pages go on as if there were no worker

export type PushFault = "unable" | "denied" | "failed";

export const canPush = (): boolean => window.isSecureContext && "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

/** The person, or whoever keeps this machine, has said no; only the browser's own settings take that back. */
export const isDenied = (): boolean => canPush() && Notification.permission === "denied";

export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}

export function toBase64url(bytes: ArrayBuffer | Uint8Array): string {
  const plain = Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join("");
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

export async function fingerprintOf(endpoint: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** "Firefox · Windows": enough for a person to know the browser again. */
export function labelOf(agent: string): string {
  const browser = (/\b(Edg|OPR|SamsungBrowser|Firefox|Chrome|Safari)\w*\//.exec(agent)?.[1] ?? "").replace("Edg", "Edge").replace("OPR", "Opera");
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "CrOS", "Linux"].find((name) => agent.includes(name)) ?? "";
  return [/\bEdg\//.test(agent) ? "Edge" : browser, system].filter((part) => part !== "").join(" · ") || "browser";
}

async function subscription(): Promise<PushSubscription | null> {
  if (!canPush()) return null;
  const registration = await navigator.serviceWorker.getRegistration(SCOPE);
  return (await registration?.pushManager.getSubscription()) ?? null;
}

/** By which the server knows this browser; null: it has no subscription. */
export async function ownFingerprint(): Promise<string | null> {
  const found = await subscription();
  return found === null ? null : fingerprintOf(found.endpoint);
}

/** Asks the person, subscribes, and tells the server; what went wrong here, else null. What the server refuses is thrown. */
export async function takeHere(publicKey: string): Promise<PushFault | null> {
  if (!canPush()) return "unable";
  if ((await Notification.requestPermission()) !== "granted") return "denied";
  const key = fromBase64url(publicKey);
  let made: PushSubscription;
  try {
    const registration = await navigator.serviceWorker.register(WORKER, { scope: SCOPE });
    await active(registration);
    await (await registration.pushManager.getSubscription())?.unsubscribe(); // the server knows it no more, and the push service may have given it up
    made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  } catch {
    return "failed";
  }
  const [p256dh, auth] = [made.getKey("p256dh"), made.getKey("auth")];
  if (p256dh === null || auth === null) return "failed";
  try {
    await addOwnBrowser({ endpoint: made.endpoint, p256dh: toBase64url(p256dh), auth: toBase64url(auth), label: labelOf(navigator.userAgent) });
  } catch (fault) {
    await made.unsubscribe();
    throw fault;
  }
  return null;
}

/** The browser itself lets go, too. */
export async function leaveHere(): Promise<void> {
  await (await subscription())?.unsubscribe();
}

function active(registration: ServiceWorkerRegistration): Promise<void> {
  const worker = registration.active ?? registration.waiting ?? registration.installing;
  if (worker === null || worker.state === "activated") return Promise.resolve();
  return new Promise((done) => {
    worker.addEventListener("statechange", () => {
      if (worker.state === "activated") done();
    });
  });
}
