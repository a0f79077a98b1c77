// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { after, again, filled, instantOf, sendWaiting, type Act, type Answer, type Outside, type Step } from "./queue";

const T0 = Date.parse("2026-05-01T08:00:00Z");
const refused: Answer = { kind: "refused", refusal: { code: "reading-differs", title: "t", detail: "d" } };

function act(key: string, values: Partial<Act> = {}): Act {
  const steps: Step[] = [{ method: "POST", url: "/a", body: { at: "{at}", key } }, { method: "POST", url: `/b?key=${key}&at=%7Bat%7D` }];
  return { key, kind: "reading", owner: { user_id: 7, name: "A" }, title: key, form: {}, made_ms: T0, offset_ms: 0, at: null, steps, done: 0, state: "waiting", refusal: null, times: [], ...values };
}

/** A phone and a server that takes each step once; `fate` says what the phone hears of each call. */
function world(acts: Act[], fate: (call: number) => Answer | "lost" = () => ({ kind: "taken" })) {
  const shelf = new Map(acts.map((one) => [one.key, one]));
  const taken = new Map<string, number>();
  let calls = 0;
  const outside: Outside = {
    acts: () => Promise.resolve([...shelf.values()]),
    update: (one) => Promise.resolve(void (shelf.has(one.key) && shelf.set(one.key, one))),
    end: (one) => Promise.resolve(void shelf.delete(one.key)),
    send: (_act, step) => {
      const told = fate((calls += 1));
      const name = JSON.stringify([step.url, step.body]);
      if (told === "lost" || told.kind === "taken") taken.set(name, (taken.get(name) ?? 0) + 1);
      return Promise.resolve(told === "lost" ? { kind: "later" } : told);
    },
    now_ms: () => T0 + 60_000,
  };
  return { outside, shelf, taken };
}

describe("the queue", () => {
  it("sends each step with the act's instant, and forgets what is answered", async () => {
    const { outside, shelf, taken } = world([act("one")]);
    expect(await sendWaiting(outside, 7, 0)).toBe("empty");
    expect([shelf.size, [...taken.keys()]]).toEqual([0, ['["/a",{"at":"2026-05-01T08:00:00Z","key":"one"}]', '["/b?key=one&at=2026-05-01T08%3A00%3A00Z",null]']]);
  });

  it("sends exactly the same again after a lost answer, wherever it was lost and however the clocks moved since", async () => {
    for (let lost = 1; lost <= 4; lost += 1) {
      const { outside, shelf, taken } = world([act("one"), act("two")], (call) => (call === lost ? "lost" : { kind: "taken" }));
      expect(await sendWaiting(outside, 7, 0)).toBe("later");
      expect(shelf.size).toBeGreaterThan(0);
      await sendWaiting(outside, 7, 4_000);
      expect(shelf.size).toBe(0);
      expect(taken.size, "the same words for the same step").toBe(4);
    }
  });

  it("lets a refusal stand until a person settles it, and goes on with the rest", async () => {
    let stubborn = true;
    const { outside, shelf } = world([act("one"), act("two")], (call) => (call === 1 && stubborn ? refused : { kind: "taken" }));
    await sendWaiting(outside, 7, 0);
    expect([...shelf.values()].map(({ key, state, refusal }) => [key, state, refusal?.code])).toEqual([["one", "conflict", "reading-differs"]]);
    await sendWaiting(outside, 7, 0);
    expect(shelf.get("one")?.state).toBe("conflict");
    stubborn = false;
    shelf.set("one", again(shelf.get("one") as Act));
    await sendWaiting(outside, 7, 0);
    expect(shelf.size).toBe(0);
  });

  it("ends at a session that is over, and sends nothing of another person", async () => {
    const { outside, shelf, taken } = world([act("one"), act("hers", { owner: { user_id: 8, name: "B" } })], () => ({ kind: "signed-out" }));
    expect(await sendWaiting(outside, 7, 0)).toBe("signed-out");
    expect([shelf.size, taken.size]).toEqual([2, 0]);
    const later = world([act("hers", { owner: { user_id: 8, name: "B" } })]);
    expect(await sendWaiting(later.outside, 7, 0)).toBe("empty");
    expect([later.shelf.size, later.taken.size]).toEqual([1, 0]);
  });

  it("does a second tab's work no harm", async () => {
    const { outside, shelf, taken } = world([act("one"), act("two")]);
    await Promise.all([sendWaiting(outside, 7, 0), sendWaiting(outside, 7, 0)]);
    expect([shelf.size, taken.size]).toEqual([0, 4]);
  });
});

describe("the clock", () => {
  it("is put right where it was wrong all the time", () => {
    expect(instantOf({ made_ms: T0 + 3_600_000, offset_ms: -3_600_000 }, -3_601_000, T0 + 3_660_000)).toEqual({ at: "2026-05-01T08:00:00Z" });
    expect(instantOf({ made_ms: T0, offset_ms: null }, 90_000, T0 + 60_000)).toEqual({ at: "2026-05-01T08:01:30Z" });
  });
  it("is asked about where it was moved meanwhile, or was never held against the platform's", () => {
    expect(instantOf({ made_ms: T0, offset_ms: 0 }, 3_600_000, T0 + 60_000)).toEqual({ times: ["2026-05-01T08:00:00Z", "2026-05-01T09:00:00Z"] });
    expect(instantOf({ made_ms: T0, offset_ms: null }, -3_600_000, T0 + 7_200_000)).toEqual({ times: ["2026-05-01T08:00:00Z", "2026-05-01T07:00:00Z"] });
  });
  it("never tells an instant that is yet to come", () => {
    expect(instantOf({ made_ms: T0, offset_ms: 0 }, 0, T0 - 5_000)).toEqual({ at: "2026-05-01T07:59:55Z" });
    expect(instantOf({ made_ms: T0 + 86_400_000, offset_ms: 0 }, -86_400_000, T0 + 86_460_000)).toEqual({ times: ["2026-05-01T08:00:00Z"] });
  });
  it("makes an act wait for a person, who chooses", async () => {
    const { outside, shelf } = world([act("one")]);
    await sendWaiting(outside, 7, 3_600_000);
    const waits = shelf.get("one") as Act;
    expect([waits.state, waits.times.length, waits.at]).toEqual(["conflict", 2, null]);
    shelf.set("one", again(waits, waits.times[1]));
    await sendWaiting(outside, 7, 3_600_000);
    expect(shelf.size).toBe(0);
  });
});

describe("a step", () => {
  it("is filled without touching the act", () => {
    const step: Step = { method: "POST", url: "/x", body: { a: "{at}", b: { c: ["{at}"] }, d: "about {at}" } };
    expect(filled(step, "T").body).toEqual({ a: "T", b: { c: ["T"] }, d: "about {at}" });
    expect(step.body).toEqual({ a: "{at}", b: { c: ["{at}"] }, d: "about {at}" });
    expect(after(act("one", { done: 1 }), { kind: "taken" })).toBeNull();
  });
});
