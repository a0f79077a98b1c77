// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it, vi } from "vitest";
import { effectScope } from "vue";
import { backoffMs, useLive } from "./live";
import { setSession, useSession } from "./session";

describe("live connection", () => {
  it("waits longer after each failure, up to a bound", () => {
    expect(backoffMs(0, 0)).toBe(1000);
    expect(backoffMs(3, 0)).toBe(8000);
    expect(backoffMs(30, 0)).toBe(30_000);
    expect(backoffMs(30, 0.999)).toBeLessThan(45_000);
  });
});

describe("a live connection that the server closes", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  it.each([
    [4401, true],
    [1013, false],
  ])("with %i ends the session: %s", (code, over) => {
    vi.useFakeTimers();
    const made: { onclose?: (event: { code: number }) => void; close: () => void }[] = [];
    vi.stubGlobal("WebSocket", class { constructor() { made.push(this as never); } close() { /* nothing to end */ } });
    setSession({ login: "ann" } as never);
    const scope = effectScope();
    scope.run(() => { useLive(() => undefined); });
    made[0]?.onclose?.({ code });
    vi.advanceTimersByTime(60_000);
    expect(useSession().expired.value).toBe(over);
    expect(made.length).toBe(over ? 1 : 2);
    scope.stop();
    setSession(null);
  });
});
