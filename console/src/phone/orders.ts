// SPDX-License-Identifier: Apache-2.0
// Work orders on the phone of who was sent: what is taken along, where an order stands by what waits here, what the form still wants, and the
// calls that it becomes. Pure. The platform decides all of it again: what it asks before an order is done (domain/work_order/order.py) is asked
// here too, for whoever has left the place cannot take a picture of it any more.
import type { LaterCall } from "@/features/field/calls";
import type { CheckLine, NewHazard, OrderAct, OrderStep, WorkOrderDetail, WorkOrderKind } from "@/features/work_order/calls";
import { answersOf, partsOf, typedAnswers, type TypedPart } from "@/features/work_order/orderText";
import { urlOf } from "@/api/transport";
import type { Act } from "./queue";

export type OrderState = WorkOrderDetail["state"];
export type OrderOutcome = NonNullable<OrderAct["outcome"]>;
export type HoldCause = NonNullable<OrderAct["cause"]>;
export type Grade = NewHazard["grade"];

/** What the phone keeps of an order: nothing of who reported it. */
export interface PhoneOrder {
  order_id: number;
  kind: string;
  state: OrderState;
  severity: WorkOrderDetail["severity"];
  title: string;
  what: string;
  address: string;
  number: string | null;
  bar_code: string;
  due_at: string | null;
  place: { latitude: number; longitude: number } | null;
  checklist: CheckLine[];
  answers: Record<string, string>;
  labour: string;
  result: string;
  signer: string;
  photos: number;
  signatures: number;
  /** Of the kind. */
  needs: { photos: number; signature: boolean };
  has: { exchange: boolean; reading: boolean };
}

export interface OrderDraft {
  key: string;
  answers: Record<string, string>;
  hazards: Record<string, { grade: Grade; what: string; shut: boolean }>;
  parts: TypedPart[];
  labour: string;
  result: string;
  outcome: OrderOutcome;
  signer: string;
  photos: Blob[];
  signature: Blob | null;
  code: string;
  register: string;
  fresh: { code: string; closing: string; opening: string };
}

export const OUTCOMES: readonly OrderOutcome[] = ["mended", "not_mended", "nothing_found", "no_entry", "entry_refused"];
export const CAUSES: readonly HoldCause[] = ["customer", "parts", "weather", "other"];
export const GRADES: readonly Grade[] = ["general", "serious", "critical"];
const NO_VISIT: readonly OrderOutcome[] = ["no_entry", "entry_refused"];
const OURS: readonly OrderState[] = ["assigned", "accepted", "working", "waiting"];
const EXCHANGE = "meter_exchange";
const READING = "reading_visit";
const REGISTER = /^\d{1,12}(\.\d{1,9})?$/;
const AT = "{at}";

/** Steps of whoever was sent that the table of the life (docs/work-orders.md) takes further. */
const NEXT: Partial<Record<OrderState, Partial<Record<OrderStep, OrderState>>>> = {
  assigned: { accept: "accepted" },
  accepted: { start: "working" },
  working: { hold: "waiting", finish: "done" },
  waiting: { resume: "working" },
};

export function keptOf(order: WorkOrderDetail, kind: WorkOrderKind | undefined, barCode: string): PhoneOrder {
  const { order_id, state, severity, title, what, address, number, due_at, latitude, longitude, checklist, result, signer } = order;
  return {
    order_id, kind: order.kind, state, severity, title, what, address, number, bar_code: barCode, due_at, checklist, result, signer,
    place: latitude === null || longitude === null ? null : { latitude, longitude },
    answers: typedAnswers(order.answers),
    labour: String(order.labour_min),
    photos: order.photos.filter((one) => one.purpose === "photo").length,
    signatures: order.photos.filter((one) => one.purpose === "signature").length,
    needs: { photos: kind?.settings.photos ?? 0, signature: kind?.settings.signed ?? false },
    has: { exchange: order.new_meter_id !== null, reading: order.reading_id !== null },
  };
}

/** Whether it is still to be worked on by whoever was sent. */
export const isOurs = (order: { state: OrderState }): boolean => OURS.includes(order.state);

/** What an act does to an order. */
export const stepsOf = (act: Pick<Act, "form">): readonly OrderStep[] => (Array.isArray(act.form.steps) ? (act.form.steps as OrderStep[]) : []);

/** Where it will stand when what waits here is told, in the order in which it was done. */
export function standing(order: PhoneOrder, acts: readonly Act[]): OrderState {
  const steps = acts.filter((act) => act.kind === "order" && act.form.order_id === order.order_id).flatMap(stepsOf);
  return steps.reduce<OrderState>((state, step) => NEXT[state]?.[step] ?? state, order.state);
}

export function emptyOrderDraft(key: string, order: PhoneOrder): OrderDraft {
  return {
    key, answers: { ...order.answers }, hazards: {}, parts: [{ name: "", quantity: "", unit: "", price: "" }], labour: order.labour, result: order.result, outcome: "mended",
    signer: order.signer, photos: [], signature: null, code: "", register: "", fresh: { code: "", closing: "", opening: "0" },
  };
}

export const draftName = (orderId: number): string => `draft order ${String(orderId)}`;

/** Whether the code that was scanned is the order's own meter; null: nothing was scanned, or the order is of none. */
export function isItsMeter(order: PhoneOrder, code: string): boolean | null {
  return code === "" || order.number === null ? null : code === order.number || (order.bar_code !== "" && code === order.bar_code);
}

/** Lines whose answer is a hazard of the place: a 'no', or a number outside. */
export function hazardLines(order: PhoneOrder, draft: OrderDraft): CheckLine[] {
  return order.checklist.filter((line) => {
    const answer = (draft.answers[line.code] ?? "").trim();
    if (!line.hazard || answer === "") return false;
    if (line.answer === "yes_no") return answer === "no";
    return line.answer === "whole" && ((line.least != null && Number(answer) < line.least) || (line.most != null && Number(answer) > line.most));
  });
}

export type OrderFault = "otherMeter" | "parts" | "answers" | "checklist" | "hazards" | "result" | "photos" | "signature" | "exchange" | "reading";

/** Why it is not done yet; null: it is. */
export function orderFault(order: PhoneOrder, draft: OrderDraft): OrderFault | null {
  if (isItsMeter(order, draft.code) === false) return "otherMeter";
  if (partsOf(draft.parts) === null || !/^\d{1,6}$/.test(draft.labour.trim())) return "parts";
  if (answersOf(order.checklist, draft.answers) === null) return "answers";
  const photos = order.photos + draft.photos.length;
  if (NO_VISIT.includes(draft.outcome)) return draft.result.trim() === "" ? "result" : photos === 0 ? "photos" : null;
  if (order.checklist.some((line) => line.needed && (draft.answers[line.code] ?? "").trim() === "")) return "checklist";
  if (hazardLines(order, draft).some((line) => !isRecorded(draft.hazards[line.code]))) return "hazards";
  if (draft.outcome === "mended") {
    if (order.kind === EXCHANGE && !order.has.exchange && !isExchange(draft)) return "exchange";
    if (order.kind === READING && !order.has.reading && !REGISTER.test(draft.register.trim())) return "reading";
  }
  if (photos < order.needs.photos) return "photos";
  if (order.needs.signature && (draft.signer.trim() === "" || (draft.signature === null && order.signatures === 0))) return "signature";
  return null;
}

const isRecorded = (hazard: OrderDraft["hazards"][string] | undefined): boolean => hazard !== undefined && hazard.what.trim().length >= 2 && (hazard.grade !== "critical" || hazard.shut);
const isExchange = ({ fresh }: OrderDraft): boolean => fresh.code !== "" && REGISTER.test(fresh.closing.trim()) && REGISTER.test(fresh.opening.trim());
export const asksExchange = (order: PhoneOrder): boolean => order.kind === EXCHANGE && !order.has.exchange;
export const asksReading = (order: PhoneOrder): boolean => order.kind === READING && !order.has.reading;

/** What an act remembers of its form, without pictures; and the form made of it again, under another key, with the pictures that were not sent. */
export type KeptDraft = Omit<OrderDraft, "photos" | "signature" | "key">;

export function typedOf({ answers, hazards, parts, labour, result, outcome, signer, code, register, fresh }: OrderDraft): KeptDraft {
  return { answers, hazards, parts, labour, result, outcome, signer, code, register, fresh };
}

export function reopenedOrder(typed: KeptDraft, files: ReadonlyMap<string, Blob>, key: string): OrderDraft {
  const signature = [...files].find(([name]) => name.endsWith("-s"))?.[1] ?? null;
  return { ...typed, key, photos: [...files].filter(([name]) => !name.endsWith("-s")).map(([, blob]) => blob), signature };
}

/** Pictures of an act by their keys. */
export function orderFiles(draft: OrderDraft): Map<string, Blob> {
  const files = new Map(draft.photos.map((blob, place) => [`${draft.key}-p${String(place)}`, blob]));
  if (draft.signature !== null) files.set(`${draft.key}-s`, draft.signature);
  return files;
}

function post(order: PhoneOrder, what: string, body: object): LaterCall {
  return { method: "POST", url: `/api/v1/work-orders/${String(order.order_id)}/${what}`, body: { ...body, at: AT } };
}

/** One step without anything else. */
export function plainStep(order: PhoneOrder, key: string, step: OrderStep, more: { cause?: HoldCause; reason?: string } = {}): LaterCall[] {
  return [post(order, "acts", { key, step, ...more } satisfies Partial<OrderAct>)];
}

/** In order: what the book and the hazards have to know, then pictures, then that it is done. Each has a key of its own. Ask `orderFault` first. */
export function finishSteps(order: PhoneOrder, draft: OrderDraft): LaterCall[] {
  const isVisit = !NO_VISIT.includes(draft.outcome);
  const hazards = isVisit ? hazardLines(order, draft) : [];
  const isMended = draft.outcome === "mended";
  return [
    ...hazards.map((line) => {
      const { grade = "general", what = "", shut = false } = draft.hazards[line.code] ?? {};
      return post(order, "hazards", { key: `${draft.key}-h-${line.code}`.slice(0, 64), grade, what: what.trim(), item: line.code, is_shut: shut } satisfies Omit<NewHazard, "at">);
    }),
    ...(isMended && asksExchange(order)
      ? [post(order, "exchange", {
          key: `${draft.key}-x`, old: { number: order.number ?? "" }, new: { bar_code: draft.fresh.code },
          closing: { m3: draft.fresh.closing.trim(), source: "read" }, opening: { m3: draft.fresh.opening.trim(), source: "read" },
        })]
      : []),
    ...(isMended && asksReading(order) ? [post(order, "reading", { key: `${draft.key}-r`, register_m3: draft.register.trim(), note: "" })] : []),
    ...[...orderFiles(draft).keys()].map((file): LaterCall => {
      const purpose = file.endsWith("-s") ? "signature" : "photo";
      return { method: "POST", url: urlOf("/api/v1/work-orders/{order_id}/photos", { order_id: order.order_id }, { key: file, purpose, note: purpose === "signature" ? draft.signer.trim() : "" }), file };
    }),
    post(order, "acts", {
      key: draft.key, step: "finish", answers: answersOf(order.checklist, draft.answers) ?? {}, parts: partsOf(draft.parts) ?? [], labour_min: Number(draft.labour), outcome: draft.outcome,
      result: draft.result.trim(), signer: draft.signer.trim(),
    } satisfies Partial<OrderAct>),
  ];
}
