// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { CheckLine, WorkOrderDetail, WorkOrderKind } from "@/features/work_order/calls";
import { emptyOrderDraft, finishSteps, hazardLines, isItsMeter, isOurs, keptOf, orderFault, orderFiles, plainStep, reopenedOrder, standing, typedOf, type PhoneOrder } from "./orders";
import type { Act } from "./queue";

const line = (code: string, more: Partial<CheckLine> = {}): CheckLine => ({ code, title: code, title_en: code, answer: "yes_no", needed: true, unit: "", least: null, most: null, hazard: false, ...more });
const ORDER: PhoneOrder = {
  order_id: 7, kind: "valve", state: "assigned", severity: "major", title: "阀门处理", what: "", address: "人民路 1 号", number: "12345678", bar_code: "BC1", due_at: null, place: null,
  checklist: [line("valve_moves"), line("cause", { answer: "text" }), line("gas_ppm", { answer: "whole", needed: false, most: 50, hazard: true })],
  answers: {}, labour: "0", result: "", signer: "", photos: 0, signatures: 0, needs: { photos: 1, signature: true }, has: { exchange: false, reading: false },
};
const act = (...steps: string[]): Act => ({ key: steps.join(), kind: "order", owner: { user_id: 1, name: "a" }, title: "", form: { order_id: 7, steps }, made_ms: 0, offset_ms: 0, at: null, steps: [], done: 0, state: "waiting", refusal: null, times: [] });
const filled = () => ({ ...emptyOrderDraft("field-1", ORDER), answers: { valve_moves: "yes", cause: "dirt" }, signer: "王", photos: [new Blob(["a"])], signature: new Blob(["s"]), labour: "30" });

describe("a work order on the phone", () => {
  it("stands where what waits here leads it, and nothing else does", () => {
    expect(standing(ORDER, [])).toBe("assigned");
    expect(standing(ORDER, [act("accept"), act("start")])).toBe("working");
    expect(standing(ORDER, [act("start")])).toBe("assigned");
    expect(standing({ ...ORDER, state: "working" }, [act("hold"), act("resume"), act("finish")])).toBe("done");
    expect(standing(ORDER, [{ ...act("accept"), form: { order_id: 8, steps: ["accept"] } }])).toBe("assigned");
    expect([{ state: "done" as const }, { state: "waiting" as const }].map(isOurs)).toEqual([false, true]);
  });
  it("keeps nobody who reported it, and what its kind asks for", () => {
    const detail = {
      ...ORDER, reporter: "王五 13812345678", latitude: 30.5, longitude: 114.3, answers: { valve_moves: true }, labour_min: 5, new_meter_id: null, reading_id: null,
      photos: [{ purpose: "photo" }, { purpose: "signature" }], acts: [], parts: [], steps: [],
    } as unknown as WorkOrderDetail;
    const kept = keptOf(detail, { code: "valve", is_own: false, settings: { photos: 2, signed: true } } as unknown as WorkOrderKind, "BC1");
    expect(JSON.stringify(kept)).not.toContain("王五");
    expect([kept.needs, kept.place, kept.photos, kept.signatures, kept.answers, kept.labour]).toEqual([{ photos: 2, signature: true }, { latitude: 30.5, longitude: 114.3 }, 1, 1, { valve_moves: "yes" }, "5"]);
  });
  it("knows its meter by number or bar code", () => {
    expect([isItsMeter(ORDER, ""), isItsMeter(ORDER, "12345678"), isItsMeter(ORDER, "BC1"), isItsMeter(ORDER, "BC2"), isItsMeter({ ...ORDER, number: null }, "x")]).toEqual([null, true, true, false, null]);
  });
  it("asks at the place for what the platform would refuse in the evening", () => {
    const draft = filled();
    expect(orderFault(ORDER, draft)).toBeNull();
    expect(orderFault(ORDER, { ...draft, code: "BC2" })).toBe("otherMeter");
    expect(orderFault(ORDER, { ...draft, labour: "x" })).toBe("parts");
    expect(orderFault(ORDER, { ...draft, parts: [{ name: "阀芯", quantity: "0", unit: "", price: "" }] })).toBe("parts");
    expect(orderFault(ORDER, { ...draft, answers: { ...draft.answers, gas_ppm: "a" } })).toBe("answers");
    expect(orderFault(ORDER, { ...draft, answers: { valve_moves: "yes" } })).toBe("checklist");
    expect(orderFault(ORDER, { ...draft, photos: [] })).toBe("photos");
    expect(orderFault({ ...ORDER, photos: 1, signatures: 1 }, { ...draft, photos: [], signature: null })).toBeNull();
    expect(orderFault(ORDER, { ...draft, signature: null })).toBe("signature");
    expect(orderFault(ORDER, { ...draft, signer: " " })).toBe("signature");
    expect(orderFault({ ...ORDER, kind: "reading_visit" }, draft)).toBe("reading");
    expect(orderFault({ ...ORDER, kind: "meter_exchange" }, draft)).toBe("exchange");
    expect(orderFault({ ...ORDER, kind: "meter_exchange", has: { exchange: true, reading: false } }, draft)).toBeNull();
    expect(orderFault({ ...ORDER, kind: "meter_exchange" }, { ...draft, outcome: "not_mended" })).toBeNull();
    expect(orderFault(ORDER, { ...draft, answers: {}, outcome: "no_entry", photos: [] })).toBe("result");
    expect(orderFault(ORDER, { ...draft, answers: {}, outcome: "no_entry", result: "门上锁", photos: [] })).toBe("photos");
    expect(orderFault(ORDER, { ...draft, answers: {}, outcome: "no_entry", result: "门上锁", signature: null })).toBeNull();
  });
  it("records what is a hazard, a critical one with the supply shut", () => {
    const draft = { ...filled(), answers: { ...filled().answers, gas_ppm: "51" } };
    expect(hazardLines(ORDER, draft).map(({ code }) => code)).toEqual(["gas_ppm"]);
    expect(hazardLines(ORDER, { ...draft, answers: { gas_ppm: "50" } })).toEqual([]);
    expect(orderFault(ORDER, draft)).toBe("hazards");
    expect(orderFault(ORDER, { ...draft, hazards: { gas_ppm: { grade: "critical", what: "漏气", shut: false } } })).toBe("hazards");
    const done = { ...draft, hazards: { gas_ppm: { grade: "critical" as const, what: "漏气", shut: true } } };
    expect(orderFault(ORDER, done)).toBeNull();
    expect(finishSteps(ORDER, done)[0]).toEqual({ method: "POST", url: "/api/v1/work-orders/7/hazards", body: { key: "field-1-h-gas_ppm", grade: "critical", what: "漏气", item: "gas_ppm", is_shut: true, at: "{at}" } });
    expect(finishSteps(ORDER, { ...done, outcome: "entry_refused" }).some(({ url }) => url.endsWith("hazards"))).toBe(false);
  });
  it("becomes calls in the order in which the platform asks, each with a key of its own and the act's instant", () => {
    const steps = finishSteps({ ...ORDER, kind: "reading_visit" }, { ...filled(), register: "12.5" });
    expect(steps.map(({ url }) => url)).toEqual([
      "/api/v1/work-orders/7/reading", "/api/v1/work-orders/7/photos?key=field-1-p0&purpose=photo", "/api/v1/work-orders/7/photos?key=field-1-s&purpose=signature&note=%E7%8E%8B", "/api/v1/work-orders/7/acts",
    ]);
    expect(steps.map(({ file }) => file)).toEqual([undefined, "field-1-p0", "field-1-s", undefined]);
    expect(steps.at(-1)?.body).toEqual({ key: "field-1", step: "finish", answers: { valve_moves: true, cause: "dirt" }, parts: [], labour_min: 30, outcome: "mended", result: "", signer: "王", at: "{at}" });
    expect(plainStep(ORDER, "k", "hold", { cause: "parts", reason: "阀芯" })[0]?.body).toEqual({ key: "k", step: "hold", cause: "parts", reason: "阀芯", at: "{at}" });
    const [exchange] = finishSteps({ ...ORDER, kind: "meter_exchange" }, { ...filled(), fresh: { code: "BC9", closing: "10", opening: "0" } });
    expect(exchange?.body).toMatchObject({ old: { number: "12345678" }, new: { bar_code: "BC9" }, closing: { m3: "10", source: "read" }, opening: { m3: "0", source: "read" } });
  });
  it("is filled in anew where it was refused, with the pictures that were not sent", () => {
    const draft = filled();
    const files = orderFiles(draft);
    files.delete("field-1-p0");
    const again = reopenedOrder(typedOf(draft), files, "field-2");
    expect([again.key, again.photos.length, again.signature === null, again.answers]).toEqual(["field-2", 0, false, draft.answers]);
  });
});
