// SPDX-License-Identifier: Apache-2.0
// One's own work orders as the phone takes them along, beside the kit; and what becomes of them when an act of theirs was taken.
import { shallowRef } from "vue";
import { Problem } from "@/api/problem";
import { send } from "@/api/transport";
import type { Me } from "@/api/types";
import type { Schemas } from "@/api/typed";
import type { WorkOrder, WorkOrderDetail, WorkOrderKind } from "@/features/work_order/calls";
import { isOurs, keptOf, standing, type PhoneOrder } from "./orders";
import type { Act } from "./queue";
import { get, keepOf } from "./store";

const KEPT = "orders";
const MOST = 50;

interface KeptOrders {
  user_id: number;
  orders: PhoneOrder[];
}

/** Null: nothing was taken along yet, or this person has no orders to work on. */
export const orders = shallowRef<readonly PhoneOrder[] | null>(null);

export async function lookOrders(user_id: number | undefined): Promise<void> {
  const kept = await get<KeptOrders>("kept", KEPT);
  orders.value = kept !== undefined && kept.user_id === user_id ? kept.orders : null;
}

/** Asks for all that are to be worked on, newest first. Throws `Problem`. `held`: the turn that it is kept for. */
export async function freshOrders(me: Me, held: number, patience_ms: number): Promise<void> {
  if (!me.permissions.includes("handle_orders") || !me.permissions.includes("see_orders")) return;
  const ask = <T>(path: string): Promise<T> => send<T>(`/api/v1${path}`, { signal: AbortSignal.timeout(patience_ms) });
  const { items } = await ask<{ items: WorkOrder[] }>(`/work-orders?mine=true&status=open&limit=${String(MOST)}`);
  const wanted = items.filter(isOurs);
  const kinds = wanted.length === 0 ? [] : await ask<WorkOrderKind[]>("/work-order-kinds");
  const found: PhoneOrder[] = [];
  for (const { order_id, meter_id, kind } of wanted) {
    const order = await ask<WorkOrderDetail>(`/work-orders/${String(order_id)}`);
    const meter = meter_id === null ? null : await ask<Schemas["MeterDetail"]>(`/meters/${String(meter_id)}`).catch(ofNoMeter);
    found.push(keptOf(order, kinds.find((one) => one.code === kind), meter?.bar_code ?? ""));
  }
  if (await keepOf(held, KEPT, { user_id: me.user_id, orders: found } satisfies KeptOrders)) orders.value = found;
}

/** Who may not see meters goes by the number alone. */
function ofNoMeter(error: unknown): null {
  if (error instanceof Problem && (error.status === 403 || error.status === 404)) return null;
  throw error;
}

/** The platform took an act: until it is asked again, the order stands where the act led it. */
export async function orderMoved(act: Act, held: number): Promise<void> {
  const kept = await get<KeptOrders>("kept", KEPT);
  if (kept === undefined) return;
  const moved = kept.orders.map((one) => (one.order_id === act.form.order_id ? { ...one, state: standing(one, [act]) } : one)).filter(isOurs);
  await keepOf(held, KEPT, { ...kept, orders: moved });
}
