// SPDX-License-Identifier: Apache-2.0
// The phone and the platform: who is signed in, how far the clocks are apart, whether anybody answers; and the run that sends what waits.
import { computed, ref, shallowRef } from "vue";
import { Problem } from "@/api/problem";
import { send, sendRaw } from "@/api/transport";
import type { Me } from "@/api/types";
import { signOut } from "@/features/identity/calls";
import type { Kit } from "@/features/field/calls";
import { i18n, setLocale } from "@/shared/i18n";
import { freshOrders, lookOrders, orderMoved } from "./orderKit";
import { sendWaiting, type Act, type Answer, type Step } from "./queue";
import { allActs, drop, endAct, get, keepOf, keptUnder, put, turn, updateAct, wipe } from "./store";

export interface KeptKit {
  user_id: number;
  kit: Kit;
}

/** A network that swallows what is sent is none: a call that nobody answers so long is made again later. */
const PATIENCE_MS = 45_000;
const isTimeout = (error: unknown): boolean => error instanceof DOMException && error.name === "TimeoutError";

/** What is remembered of an act that was taken, until sign-out. */
export interface Done {
  key: string;
  kind: string;
  title: string;
  meter_id: number | null;
  at: string;
}

export const me = ref<Me | null>(null);
/** The session that the phone counted on is over; what waits stays. */
export const ended = ref(false);
export const reached = ref(navigator.onLine);
export const kit = shallowRef<Kit | null>(null);
export const acts = shallowRef<readonly Act[]>([]);
export const done = shallowRef<readonly Done[]>([]);
export const sending = ref(false);
export const offsetMs = ref<number | null>(null);
/** The phone keeps nothing: private browsing, or another fault of its storage. */
export const broken = ref("");
export const own = computed(() => acts.value.filter((act) => act.owner.user_id === me.value?.user_id));
export const waiting = computed(() => own.value.filter((act) => act.state === "waiting"));
export const conflicts = computed(() => own.value.filter((act) => act.state === "conflict"));
export const others = computed(() => acts.value.filter((act) => act.owner.user_id !== me.value?.user_id));
const tabs = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("openmains-field");

/** Looks at what the phone keeps; other tabs are told when this one changed it. */
export async function look(changed = false): Promise<void> {
  acts.value = await allActs();
  done.value = await keptUnder<Done>("done ");
  const kept = await get<KeptKit>("kept", "kit");
  kit.value = kept !== undefined && kept.user_id === me.value?.user_id ? kept.kit : null;
  await lookOrders(me.value?.user_id);
  if (changed) tabs?.postMessage("changed");
}

/** At the start: who was signed in, what waits. Needs no network. */
export async function wake(): Promise<void> {
  try {
    me.value = (await get<Me>("kept", "me")) ?? null;
    offsetMs.value = (await get<number>("flags", "offset")) ?? null;
    await look();
  } catch (error) {
    broken.value = String(error);
  }
  tabs?.addEventListener("message", () => void again());
}

async function again(): Promise<void> {
  me.value = (await get<Me>("kept", "me")) ?? null; // signed out in another tab: here too
  await look();
}

/** Who signed out without network: the session ends now, before anything else is asked. */
export async function endLeft(): Promise<void> {
  if ((await get<boolean>("flags", "leave")) !== true) return;
  await signOut().catch(ignoreOver);
  await drop("flags", "leave");
}

/** Asks who is signed in, and holds the clocks against each other. The turn it holds for; null: somebody signed out meanwhile. Throws `Problem`. */
export async function greet(): Promise<number | null> {
  await endLeft();
  let mine = await turn();
  const before = Date.now();
  const answer = await sendRaw("/api/v1/session", { signal: AbortSignal.timeout(PATIENCE_MS) });
  const said = Date.parse(answer.headers.get("date") ?? "");
  const found = (await answer.json()) as Me;
  if (!Number.isNaN(said)) {
    offsetMs.value = Math.round(said + 500 - (before + Date.now()) / 2);
    await put("flags", "offset", offsetMs.value);
  }
  if (me.value !== null && me.value.user_id !== found.user_id && mine === (await turn())) {
    await wipe(); // another person's kit is not this one's to see
    mine += 1;
  }
  if (!(await keepOf(mine, "me", found))) return null;
  me.value = found;
  ended.value = false;
  setLocale(found.locale === "en" ? "en" : "zh", { remember: false });
  return mine;
}

function ignoreOver(error: unknown): void {
  if (!(error instanceof Problem && error.isSessionOver)) throw error;
}

/** Wipes what sign-out wipes. Without network the session itself ends at the next contact. */
export async function leave(): Promise<void> {
  await put("flags", "leave", true);
  await wipe();
  me.value = null;
  kit.value = null;
  await look(true);
  try {
    await signOut().catch(ignoreOver);
    await drop("flags", "leave");
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
}

async function sendStep(act: Act, step: Step): Promise<Answer> {
  let body = step.body;
  if (step.file !== undefined) {
    const blob = await get<Blob>("files", step.file);
    if (blob === undefined) {
      if ((await get<Act>("acts", act.key)) === undefined) return { kind: "taken" }; // another tab has ended the act
      return { kind: "refused", refusal: { code: "file-missing", title: i18n.global.t("phone.fileMissing"), detail: "" } };
    }
    const form = new FormData();
    form.set("data", blob, "photo");
    body = form;
  }
  try {
    await send(step.url, { method: step.method, body, signal: AbortSignal.timeout(PATIENCE_MS) });
    return { kind: "taken" };
  } catch (error) {
    return answerOf(error);
  }
}

/** Later: nobody answered, the platform is busy or away, or a password must be changed first. Refused: a person must look. */
export function answerOf(error: unknown): Answer {
  if (isTimeout(error)) return { kind: "later" };
  if (!(error instanceof Problem)) throw error;
  if (error.isSessionOver) return { kind: "signed-out" };
  if (error.isLostConnection || error.status >= 500 || error.status === 429 || error.status === 408 || error.code === "change-password-first") return { kind: "later" };
  return { kind: "refused", refusal: { code: error.code, title: error.body.title ?? "", detail: detailOf(error) } };
}

function detailOf(error: Problem): string {
  const fields = error.body.errors;
  const told = Array.isArray(fields) ? fields.map((one: { pointer?: string; detail?: string }) => `${one.pointer ?? ""} ${one.detail ?? ""}`.trim()) : [];
  return [error.body.detail ?? `HTTP ${String(error.status)}`, ...told].join("\n");
}

let asked = false;
let kitWanted = false;

/** Sends what waits, one tab at a time; a fresh kit where it is wanted. Never throws for want of network. */
export async function sync(withKit = false): Promise<void> {
  kitWanted ||= withKit;
  if (sending.value) {
    asked = true; // something new came while a run was on its way
    return;
  }
  sending.value = true;
  try {
    do {
      asked = false;
      await alone(once);
    } while (asked);
  } finally {
    sending.value = false;
    await look(true);
  }
}

/** Where the browser has no locks (plain HTTP) two tabs may send the same: the platform takes it once. */
async function alone(work: () => Promise<void>): Promise<void> {
  if (!("locks" in navigator)) await work();
  else await navigator.locks.request("openmains-field-send", work);
}

async function once(): Promise<void> {
  try {
    const held = await greet();
    reached.value = true;
    if (held === null || me.value === null || offsetMs.value === null || me.value.must_change) return;
    const end = await sendWaiting(
      {
        acts: allActs,
        update: async (act) => {
          await updateAct(act);
          await look();
        },
        end: async (act) => {
          if (act.kind === "order") {
            await orderMoved(act, held);
            kitWanted = true; // where the order stands now, and which are new
          }
          await endAct(act, { key: `done ${act.key}`, value: doneOf(act), turn: held });
          await look();
        },
        send: sendStep,
        now_ms: Date.now,
      },
      me.value.user_id,
      offsetMs.value,
    );
    if (end === "signed-out") ended.value = true;
    if (end === "empty" && (kitWanted || kit.value === null)) await freshKit(held);
  } catch (error) {
    if (isTimeout(error)) return void (reached.value = false);
    if (!(error instanceof Problem)) throw error;
    reached.value = !error.isLostConnection && error.status < 500;
    ended.value = error.isSessionOver;
  }
}

function doneOf(act: Act): Done {
  const meter = act.form.meter_id;
  return { key: act.key, kind: act.kind, title: act.title, meter_id: typeof meter === "number" ? meter : null, at: act.at ?? "" };
}

async function freshKit(held: number): Promise<void> {
  if (me.value === null) return;
  const { user_id } = me.value;
  const found = await send<Kit>("/api/v1/field/kit", { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!(await keepOf(held, "kit", { user_id, kit: found } satisfies KeptKit))) return;
  kit.value = found;
  await freshOrders(me.value, held, PATIENCE_MS);
  kitWanted = false;
}

/** Now by the platform's clock as far as it is known. */
export function platformNow(): string {
  return new Date(Date.now() + (offsetMs.value ?? 0)).toISOString();
}
