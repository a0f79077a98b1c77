// SPDX-License-Identifier: Apache-2.0
// The live connection /api/v1/live. One WebSocket for the whole page, shared by all who listen, closed when nobody does.
// After a break it comes back by itself: 1 s, 2 s, 4 s … at most 30 s, plus a random part so that a restarted server is
// not met by everybody at once.
import { onScopeDispose, readonly, ref } from "vue";
import { liveUrl, parseLive, type LiveMessage } from "@/api/live";
import { noteReached } from "./online";
import { markExpired } from "./session";

export type LiveState = "closed" | "connecting" | "open";
type Listener = (message: LiveMessage) => void;

const FIRST_MS = 1000;
const LAST_MS = 30_000;
/** The server closes with this when the sign-in ended: out there is no way back but a new one. */
const SESSION_OVER = 4401;

const listeners = new Set<Listener>();
const state = ref<LiveState>("closed");
let socket: WebSocket | null = null;
let failures = 0;
let timer: ReturnType<typeof setTimeout> | null = null;

/** Wait before try number `failures + 1`; `random` is from [0, 1). */
export function backoffMs(failed: number, random: number): number {
  return Math.min(LAST_MS, FIRST_MS * 2 ** failed) * (1 + random / 2);
}

function open(): void {
  timer = null;
  state.value = "connecting";
  const opened = new WebSocket(liveUrl());
  socket = opened;
  opened.onopen = () => {
    failures = 0;
    state.value = "open";
    noteReached(true);
  };
  opened.onmessage = (event: MessageEvent<unknown>) => {
    if (typeof event.data !== "string") return;
    const message = parseLive(event.data);
    if (message !== null) for (const listener of listeners) listener(message);
  };
  opened.onclose = (event: CloseEvent) => {
    if (socket !== opened) return;
    socket = null;
    state.value = "closed";
    if (event.code === SESSION_OVER) {
      markExpired();
      return;
    }
    if (listeners.size === 0) return;
    timer = setTimeout(open, backoffMs(failures, Math.random()));
    failures += 1;
  };
}

function close(): void {
  if (timer !== null) clearTimeout(timer);
  timer = null;
  const old = socket;
  socket = null;
  state.value = "closed";
  old?.close();
}

/** Calls `listener` for every live message while the calling component lives. */
export function useLive(listener: Listener) {
  listeners.add(listener);
  if (socket === null && timer === null) open();
  onScopeDispose(() => {
    listeners.delete(listener);
    if (listeners.size === 0) close();
  });
  return { state: readonly(state) };
}
