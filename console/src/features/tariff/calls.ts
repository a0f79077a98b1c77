// SPDX-License-Identifier: Apache-2.0
// The operations on tariffs, their plans, who pays by them, and prices of meters.
import { urlOf } from "@/api/transport";
import { call, type Abort, type QueryOf, type Schemas } from "@/api/typed";

export type Tariff = Schemas["Tariff"];
export type TariffPlan = Schemas["TariffPlan"];
export type ShownPlan = Schemas["ShownPlan"];
export type TariffMember = Schemas["TariffMember"];
export type PlanDocument = Schemas["PlanDocument"];
export type PlanSimulation = Schemas["PlanSimulation"];
export type NewPlan = Schemas["NewPlan"];
export type NewTariff = Schemas["NewTariff"];
export type NewMembers = Schemas["NewMembers"];
export type MeterKind = Schemas["MeterKind"];
export type MeterPriceSet = Schemas["MeterPriceSet"];
export type Calculation = Schemas["Calculation"];
export type CalculatedBill = Schemas["CalculatedBill"];
export type ConfirmedPrice = Schemas["ConfirmedPrice"];

export const listTariffs = (query: QueryOf<"list_tariffs">, signal: Abort) => call("get", "/api/v1/tariffs", { query, signal });
export const readTariff = (tariffId: number, signal: Abort) => call("get", "/api/v1/tariffs/{tariff_id}", { path: { tariff_id: tariffId }, signal });
export const createTariff = (body: NewTariff) => call("post", "/api/v1/tariffs", { body });
export const listPlans = (tariffId: number, signal: Abort) => call("get", "/api/v1/tariffs/{tariff_id}/plans", { path: { tariff_id: tariffId }, signal });
export const listMembers = (tariffId: number, query: QueryOf<"list_tariff_members">, signal: Abort) =>
  call("get", "/api/v1/tariffs/{tariff_id}/members", { path: { tariff_id: tariffId }, query, signal });
export const addTariffMembers = (tariffId: number, body: Omit<NewMembers, "reason">, reason: string) =>
  call("post", "/api/v1/tariffs/{tariff_id}/members", { path: { tariff_id: tariffId }, body: { ...body, reason } });
export const readPlan = (planId: number, signal: Abort) => call("get", "/api/v1/tariff-plans/{plan_id}", { path: { plan_id: planId }, signal });
export const planFile = (planId: number) => urlOf("/api/v1/tariff-plans/{plan_id}/file", { plan_id: planId });
export const draftPlan = (tariffId: number, body: Omit<NewPlan, "reason">, reason: string) =>
  call("post", "/api/v1/tariffs/{tariff_id}/plans", { path: { tariff_id: tariffId }, body: { ...body, reason } });
export const simulatePlan = (planId: number) => call("post", "/api/v1/tariff-plans/{plan_id}/simulate", { path: { plan_id: planId } });
export const approvePlan = (planId: number, reason: string) => call("post", "/api/v1/tariff-plans/{plan_id}/approve", { path: { plan_id: planId }, body: { reason } });
export const rejectPlan = (planId: number, reason: string) => call("post", "/api/v1/tariff-plans/{plan_id}/reject", { path: { plan_id: planId }, body: { reason } });
export const calculateBill = (body: Calculation) => call("post", "/api/v1/tariffs/calculate", { body });
export const meterPrice = (planId: number, query: QueryOf<"read_meter_price">, signal: Abort) =>
  call("get", "/api/v1/tariff-plans/{plan_id}/meter-price", { path: { plan_id: planId }, query, signal });
export const numberMeterPrice = (planId: number, body: MeterKind) => call("post", "/api/v1/tariff-plans/{plan_id}/meter-price", { path: { plan_id: planId }, body });
export const confirmedPrice = (meterId: number, signal: Abort) => call("get", "/api/v1/meters/{meter_id}/price", { path: { meter_id: meterId }, signal });
