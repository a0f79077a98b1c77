// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { effectScope } from "vue";
import { SOON_MS, useSoon } from "./soon";

describe("soon", () => {
  beforeEach(() => { vi.useFakeTimers(); });
  afterEach(() => { vi.useRealTimers(); });

  it("is once for a burst, and once more for what comes after it", () => {
    const run = vi.fn();
    const scope = effectScope();
    const ask = scope.run(() => useSoon(run)) ?? (() => undefined);
    for (let count = 0; count < 100; count += 1) ask();
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(SOON_MS);
    expect(run).toHaveBeenCalledTimes(1);
    ask();
    vi.advanceTimersByTime(SOON_MS);
    expect(run).toHaveBeenCalledTimes(2);
    ask();
    scope.stop();
    vi.advanceTimersByTime(SOON_MS);
    expect(run).toHaveBeenCalledTimes(2);
  });
});
