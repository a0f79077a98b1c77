// SPDX-License-Identifier: Apache-2.0
// What the phone keeps, in IndexedDB. Three kinds, and no more: `acts` with their `files` until the server has answered (never thrown away by
// the program); `kept` – the kit, who is signed in, drafts – which sign-out wipes; `flags`, which hold no data of anybody.
import type { Act } from "./queue";

const NAME = "openmains-field";
const VERSION = 1;
const STORES = ["acts", "files", "kept", "flags"] as const;
export type StoreName = (typeof STORES)[number];

let opened: Promise<IDBDatabase> | null = null;

function database(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, VERSION);
    asked.onupgradeneeded = () => {
      for (const name of STORES) if (!asked.result.objectStoreNames.contains(name)) asked.result.createObjectStore(name);
    };
    asked.onsuccess = () => {
      asked.result.onversionchange = () => {
        asked.result.close(); // a newer page in another tab may change the form; this one opens anew when it is asked again
        opened = null;
      };
      resolve(asked.result);
    };
    asked.onerror = () => {
      opened = null;
      reject(asked.error ?? new Error("no storage"));
    };
    asked.onblocked = () => {
      reject(new Error("another tab holds the storage"));
    };
  });
  return opened;
}

/** One transaction: all of it is on the phone when it resolves, or nothing of it. */
async function run<T>(names: readonly StoreName[], mode: IDBTransactionMode, work: (of: (name: StoreName) => IDBObjectStore) => IDBRequest<T> | null): Promise<T | undefined> {
  const db = await database();
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(names, mode, { durability: "strict" });
    const asked = work((name) => transaction.objectStore(name));
    transaction.oncomplete = () => {
      resolve(asked?.result);
    };
    const failed = (): void => {
      reject(transaction.error ?? new Error("the phone did not keep it"));
    };
    transaction.onerror = failed;
    transaction.onabort = failed;
  });
}

export function get<T>(name: StoreName, key: string): Promise<T | undefined> {
  return run([name], "readonly", (of) => of(name).get(key) as IDBRequest<T>);
}

export async function put(name: StoreName, key: string, value: unknown): Promise<void> {
  await run([name], "readwrite", (of) => of(name).put(value, key));
}

export async function drop(name: StoreName, key: string): Promise<void> {
  await run([name], "readwrite", (of) => of(name).delete(key));
}

/** An act with its files, whole or not at all; a draft that it was made of is gone with it. */
export async function keepAct(act: Act, files: ReadonlyMap<string, Blob>, draft?: string): Promise<void> {
  await run(["acts", "files", "kept"], "readwrite", (of) => {
    for (const [key, blob] of files) of("files").put(blob, key);
    if (draft !== undefined) of("kept").delete(draft);
    return of("acts").put(act, act.key);
  });
}

/** The act as it is now – if it is still there: another tab may have finished it. */
export async function updateAct(act: Act): Promise<void> {
  await run(["acts"], "readwrite", (of) => {
    const store = of("acts");
    const asked = store.get(act.key) as IDBRequest<Act | undefined>;
    asked.onsuccess = () => {
      if (asked.result !== undefined && asked.result.done <= act.done) store.put(act, act.key);
    };
    return asked;
  });
}

/** Sent and answered, or given up by a person: gone with its files. `log`: what is remembered of it until sign-out; with a `turn` not after the turn's end. */
export async function endAct(act: Act, log: { key: string; value: unknown; turn?: number } | null): Promise<void> {
  await run(["acts", "files", "kept", "flags"], "readwrite", (of) => {
    for (const step of act.steps) if (step.file !== undefined) of("files").delete(step.file);
    if (log?.turn !== undefined) putWithin(of, log.turn, log.key, log.value);
    else if (log !== null) of("kept").put(log.value, log.key);
    return of("acts").delete(act.key);
  });
}

const TURN = "turn"; // how often it was wiped: in whose time something was asked for, over all tabs

function putWithin(of: (name: StoreName) => IDBObjectStore, turn: number, key: string, value: unknown): IDBRequest<number | undefined> {
  const now = of("flags").get(TURN) as IDBRequest<number | undefined>;
  now.onsuccess = () => {
    if ((now.result ?? 0) === turn) of("kept").put(value, key);
  };
  return now;
}

/** Whose turn it is: ask before the platform is asked for what shall be kept. */
export async function turn(): Promise<number> {
  return (await get<number>("flags", TURN)) ?? 0;
}

/** Keeps what was asked for in a turn, unless somebody signed out since, here or in another tab. False: they did. */
export async function keepOf(asked: number, key: string, value: unknown): Promise<boolean> {
  return ((await run(["kept", "flags"], "readwrite", (of) => putWithin(of, asked, key, value))) ?? 0) === asked;
}

/** Oldest first. */
export async function allActs(): Promise<Act[]> {
  const found = await run(["acts"], "readonly", (of) => of("acts").getAll() as IDBRequest<Act[]>);
  return (found ?? []).sort((a, b) => a.made_ms - b.made_ms || a.key.localeCompare(b.key));
}

/** Entries of `kept` whose key begins with a word. */
export async function keptUnder<T>(prefix: string): Promise<T[]> {
  const found = await run(["kept"], "readonly", (of) => of("kept").getAll(IDBKeyRange.bound(prefix, `${prefix}\uffff`)) as IDBRequest<T[]>);
  return found ?? [];
}

/** What sign-out wipes: all but acts that were not sent. Answers that are still on their way are not kept after it. */
export async function wipe(): Promise<void> {
  await run(["kept", "flags"], "readwrite", (of) => {
    const now = of("flags").get(TURN) as IDBRequest<number | undefined>;
    now.onsuccess = () => of("flags").put((now.result ?? 0) + 1, TURN);
    return of("kept").clear();
  });
}

/** Whether an error says that the phone is full. */
export function isFull(error: unknown): boolean {
  return error instanceof DOMException && error.name === "QuotaExceededError";
}
