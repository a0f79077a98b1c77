// SPDX-License-Identifier: Apache-2.0
// Who is signed in, and what was seen last: it is shown again without network, with its time, and wiped at sign-out. Nothing is sent later by
// itself: a payment or a request goes when a person presses, under a key that stays the same until it was answered.
import { ref, shallowRef, type Ref, type ShallowRef } from "vue";
import { Problem } from "@/api/problem";
import { send } from "@/api/transport";
import type { Schemas } from "@/api/typed";
import { i18n } from "@/shared/i18n";
import { freshKey } from "@/shared/uniqueKey";

export type Session = Schemas["CustomerSession"];
export const ROOT = "/api/v1/my";
const KEPT = "openmains.my.";
const PATIENCE_MS = 30_000;

export const me = ref<Session | null>(standing());
export const reached = ref(navigator.onLine);

interface Seen<T> {
  at: string;
  value: T;
}

function recall<T>(path: string): Seen<T> | null {
  try {
    return JSON.parse(localStorage.getItem(KEPT + path) ?? "null") as Seen<T> | null;
  } catch {
    return null;
  }
}

function keep(path: string, value: unknown): void {
  try {
    localStorage.setItem(KEPT + path, JSON.stringify({ at: new Date().toISOString(), value }));
  } catch {
    // a phone that is full shows what it gets, and remembers less
  }
}

/** Nothing is left of what was seen. */
function forget(): void {
  for (const key of Object.keys(localStorage)) if (key.startsWith(KEPT)) localStorage.removeItem(key);
}

/** Who was signed in when the page was here last. A session that is over wipes the phone, also where there is no network to say so. */
function standing(): Session | null {
  const found = recall<Session>("/session")?.value ?? null;
  if (found !== null && Date.parse(found.expires_at) > Date.now()) return found;
  forget();
  return null;
}

let turn = 0; // of who is signed in: what was asked for before a sign-out is not kept after it

/** All that was seen, on this phone. */
export function wipe(): void {
  turn += 1;
  forget();
  me.value = null;
}

/** Sends; without an answer in time it is as if there were no network. A session that is over wipes the phone. */
export async function ask<T>(path: string, method: "GET" | "POST" | "DELETE" = "GET", body?: unknown): Promise<T> {
  try {
    const found = await send<T>(ROOT + path, { method, body, signal: AbortSignal.timeout(PATIENCE_MS) });
    reached.value = true;
    return found;
  } catch (error) {
    if (error instanceof DOMException) {
      reached.value = false;
      throw new Problem(0, {});
    }
    if (error instanceof Problem) {
      reached.value = !error.isLostConnection;
      if (error.code === "customer-sign-in-needed") wipe();
    }
    throw error;
  }
}

export interface View<T> {
  value: ShallowRef<T | null>;
  at: Ref<string>;
  fault: Ref<string>;
  load: () => Promise<void>;
}

/** What a page shows: what was seen last at once, and what is so now as soon as it is known. */
export function view<T>(path: string): View<T> {
  const before = recall<T>(path);
  const value = shallowRef<T | null>(before?.value ?? null);
  const at = ref(before?.at ?? "");
  const fault = ref("");
  async function load(): Promise<void> {
    const began = turn;
    try {
      const found = await ask<T>(path);
      if (began !== turn) return;
      value.value = found;
      at.value = new Date().toISOString();
      fault.value = "";
      keep(path, found);
    } catch (error) {
      fault.value = value.value !== null && error instanceof Problem && error.isLostConnection ? "" : saidOf(error);
    }
  }
  void load();
  return { value, at, fault, load };
}

export function welcome(session: Session): void {
  me.value = session;
  keep("/session", session);
}

export function saidOf(error: unknown): string {
  const { t } = i18n.global;
  if (!(error instanceof Problem)) throw error;
  if (error.isLostConnection) return t("my.noNetwork");
  const errors = error.body.errors;
  const fields = Array.isArray(errors) ? errors.map((one: { detail?: string }) => one.detail ?? "") : [];
  return [error.body.title ?? t("my.failed", { status: error.status }), error.body.detail ?? "", ...fields].filter((line) => line !== "").join("\n");
}

/** The key of one intention: it stays until the answer is known, so that a repeat after a lost answer is the same act. */
export function intention(): { key: (what: unknown) => string; over: () => void } {
  let held: { of: string; key: string } | null = null;
  return {
    key: (what) => {
      const of = JSON.stringify(what);
      if (held?.of !== of) held = { of, key: freshKey("m").slice(0, 32) };
      return held.key;
    },
    over: () => (held = null),
  };
}

/** 1234 → "12.34". */
export function yuan(fen: number): string {
  const whole = Math.trunc(Math.abs(fen) / 100);
  return `${fen < 0 ? "−" : ""}${String(whole)}.${String(Math.abs(fen) % 100).padStart(2, "0")}`;
}

/** "12.3" → 1230; null for what is no amount: never rounded. */
export function fenOf(text: string): number | null {
  const found = /^(\d{1,7})(?:\.(\d{1,2}))?$/.exec(text.trim());
  if (found === null) return null;
  const fen = Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0"));
  return fen >= 1 && fen <= 100_000_000 ? fen : null;
}
