// SPDX-License-Identifier: Apache-2.0
// The operations of the counter.
import { call, fileUrl, type Abort, type QueryOf, type Schemas } from "@/api/typed";

export type Receipt = Schemas["Receipt"];
export type PaymentReturn = Schemas["PaymentReturn"];
export type NewPaymentTaken = Schemas["NewPaymentTaken"];

export const myShift = (signal: Abort) => call("get", "/api/v1/shifts/mine", { signal });
export const openShift = (floatFen: number) => call("post", "/api/v1/shifts", { body: { float_fen: floatFen } });
export const closeShift = (countedFen: number, note: string) => call("post", "/api/v1/shifts/mine/close", { body: { counted_fen: countedFen, note } });
export const balanceOf = (accountId: number, signal: Abort) => call("get", "/api/v1/ledger/customers/{account_id}", { path: { account_id: accountId }, signal });
export const listReceipts = (query: QueryOf<"list_receipts">, signal: Abort) => call("get", "/api/v1/receipts", { query, signal });
export const takePayment = (body: NewPaymentTaken) => call("post", "/api/v1/receipts", { body });
export const receiptText = (receiptId: number) => call("get", "/api/v1/receipts/{receipt_id}/text", { path: { receipt_id: receiptId } });
export const askForReturn = (receiptId: number, reason: string) => call("post", "/api/v1/receipts/{receipt_id}/return", { path: { receipt_id: receiptId }, body: { reason } });
export const listReturns = (query: QueryOf<"list_returns">, signal: Abort) => call("get", "/api/v1/payment-returns", { query, signal });
export const approveReturn = (id: number, reason: string) => call("post", "/api/v1/payment-returns/{return_id}/approve", { path: { return_id: id }, body: { reason } });
export const rejectReturn = (id: number, reason: string) => call("post", "/api/v1/payment-returns/{return_id}/reject", { path: { return_id: id }, body: { reason } });
export const receiptPdf = (receiptId: number, language: "zh" | "en") => fileUrl("/api/v1/receipts/{receipt_id}/pdf", { language }, { receipt_id: receiptId });
