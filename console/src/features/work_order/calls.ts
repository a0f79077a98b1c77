// SPDX-License-Identifier: Apache-2.0
// The operations of work orders, inspections and hazards. Each act carries its own key: sent twice, it is one act.
import { sendFile, urlOf } from "@/api/transport";
import { call, type Abort, type QueryOf, type Schemas } from "@/api/typed";

export type WorkOrder = Schemas["WorkOrder"];
export type WorkOrderDetail = Schemas["WorkOrderDetail"];
export type OrderAct = Schemas["OrderAct"];
export type OrderStep = OrderAct["step"];
export type NewOrder = Schemas["NewOrder"];
export type WorkOrderKind = Schemas["WorkOrderKind"];
export type CheckLine = Schemas["CheckLine"];
export type OrderCandidate = Schemas["OrderCandidate"];
export type Hazard = Schemas["Hazard"];
export type NewHazard = Schemas["NewHazard"];
export type HazardNotice = Schemas["HazardNotice"];
export type InspectionPlan = Schemas["InspectionPlan"];
export type PlanSettings = Schemas["PlanSettings"];
export type TechnicianRecord = Schemas["TechnicianRecord"];
export type TechnicianSettings = Schemas["TechnicianSettings"];
export type OrderQuery = QueryOf<"list_work_orders">;
export type HazardQuery = QueryOf<"list_hazards">;

export type OrderSort = NonNullable<OrderQuery["sort"]>;
export const listOrders = (query: OrderQuery, signal: Abort) => call("get", "/api/v1/work-orders", { query, signal });
export const countOrders = (mine: boolean, signal: Abort) => call("get", "/api/v1/work-orders/counts", { query: { mine }, signal });
export const readOrder = (orderId: number, signal: Abort) => call("get", "/api/v1/work-orders/{order_id}", { path: { order_id: orderId }, signal });
export const listCandidates = (orderId: number, signal: Abort) => call("get", "/api/v1/work-orders/{order_id}/candidates", { path: { order_id: orderId }, signal });
export const makeOrder = (body: NewOrder) => call("post", "/api/v1/work-orders", { body });
/** One step; its reason is in the body where the step needs one. */
export const actOnOrder = (orderId: number, body: OrderAct) => call("post", "/api/v1/work-orders/{order_id}/acts", { path: { order_id: orderId }, body });
export const addPhoto = (orderId: number, key: string, purpose: "photo" | "signature", note: string, file: File): Promise<WorkOrder> =>
  sendFile(urlOf("/api/v1/work-orders/{order_id}/photos", { order_id: orderId }, { key, purpose, note }), file);
export const photoUrl = (orderId: number, photoId: number): string => urlOf("/api/v1/work-orders/{order_id}/photos/{photo_id}", { order_id: orderId, photo_id: photoId }, {});
export const recordHazard = (orderId: number, body: NewHazard) => call("post", "/api/v1/work-orders/{order_id}/hazards", { path: { order_id: orderId }, body });
export const listKinds = (signal: Abort) => call("get", "/api/v1/work-order-kinds", { signal });
export const listTechnicians = (signal: Abort) => call("get", "/api/v1/technicians", { signal });
export const setTechnician = (userId: number, body: TechnicianSettings) => call("put", "/api/v1/technicians/{user_id}", { path: { user_id: userId }, body });
export const listHazards = (query: HazardQuery, signal: Abort) => call("get", "/api/v1/hazards", { query, signal });
export const hazardNoticeUrl = (hazardId: number): string => urlOf("/api/v1/hazards/{hazard_id}/notice", { hazard_id: hazardId }, {});
export const noteHazardNotice = (hazardId: number, body: HazardNotice) => call("post", "/api/v1/hazards/{hazard_id}/notice", { path: { hazard_id: hazardId }, body });
export const listPlans = (signal: Abort) => call("get", "/api/v1/inspection-plans", { signal });
export const addPlan = (settings: PlanSettings, reason: string) => call("post", "/api/v1/inspection-plans", { body: { settings, reason } });
export const changePlan = (planId: number, settings: PlanSettings, reason: string) =>
  call("put", "/api/v1/inspection-plans/{plan_id}", { path: { plan_id: planId }, body: { settings, reason } });
