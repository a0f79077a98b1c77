// SPDX-License-Identifier: Apache-2.0
// The operations of the counter.
import { sendFile, urlOf } from "@/api/transport";
import { call, fileUrl, type Abort, type QueryOf, type Schemas } from "@/api/typed";

export type Receipt = Schemas["Receipt"];
export type PaymentReturn = Schemas["PaymentReturn"];
export type NewPaymentTaken = Schemas["NewPaymentTaken"];

export const myShift = (signal: Abort) => call("get", "/api/v1/shifts/mine", { signal });
export const openShift = (floatFen: number) => call("post", "/api/v1/shifts", { body: { float_fen: floatFen } });
export const closeShift = (countedFen: number, note: string) => call("post", "/api/v1/shifts/mine/close", { body: { counted_fen: countedFen, note } });
export const serverAccountOf = (accountId: number, signal: Abort) => call("get", "/api/v1/server-accounts", { query: { account_id: accountId, limit: 1 }, signal });
export const balanceOf = (accountId: number, signal: Abort) => call("get", "/api/v1/ledger/customers/{account_id}", { path: { account_id: accountId }, signal });
export const listReceipts = (query: QueryOf<"list_receipts">, signal: Abort) => call("get", "/api/v1/receipts", { query, signal });
export const takePayment = (body: NewPaymentTaken) => call("post", "/api/v1/receipts", { body });
export const receiptText = (receiptId: number) => call("get", "/api/v1/receipts/{receipt_id}/text", { path: { receipt_id: receiptId } });
export const askForReturn = (receiptId: number, reason: string) => call("post", "/api/v1/receipts/{receipt_id}/return", { path: { receipt_id: receiptId }, body: { reason } });
export const listReturns = (query: QueryOf<"list_returns">, signal: Abort) => call("get", "/api/v1/payment-returns", { query, signal });
export const approveReturn = (id: number, reason: string) => call("post", "/api/v1/payment-returns/{return_id}/approve", { path: { return_id: id }, body: { reason } });
export const rejectReturn = (id: number, reason: string) => call("post", "/api/v1/payment-returns/{return_id}/reject", { path: { return_id: id }, body: { reason } });
export type PaymentOrder = Schemas["PaymentOrder"];
export type PaymentRefund = Schemas["PaymentRefund"];
export type PayChannel = Schemas["PayChannel"];
export type OrderQuery = QueryOf<"list_payment_orders">;

export const listChannels = (signal: Abort) => call("get", "/api/v1/payment-channels", { signal });
export const addPayChannel = (body: Schemas["NewPayChannel"]) => call("post", "/api/v1/payment-channels", { body });
export const changePayChannel = (id: number, body: Schemas["PayChannelForm"]) => call("put", "/api/v1/payment-channels/{channel_id}", { path: { channel_id: id }, body });
export const paymentSigner = (signal: Abort) => call("get", "/api/v1/payment-signer", { signal });
export const setSigner = (body: Schemas["PaymentSignerLogin"]) => call("put", "/api/v1/payment-signer", { body });
export const listOrders = (query: OrderQuery, signal: Abort) => call("get", "/api/v1/payment-orders", { query, signal });
export const makePaymentOrder = (body: Schemas["NewPaymentOrder"]) => call("post", "/api/v1/payment-orders", { body });
export const readOrder = (id: number, signal: Abort) => call("get", "/api/v1/payment-orders/{order_id}", { path: { order_id: id }, signal });
export const askOrder = (id: number) => call("post", "/api/v1/payment-orders/{order_id}/ask", { path: { order_id: id } });
export const askForRefund = (id: number, fen: number, reason: string) => call("post", "/api/v1/payment-orders/{order_id}/refunds", { path: { order_id: id }, body: { fen, reason } });
export const listRefunds = (query: QueryOf<"list_refunds">, signal: Abort) => call("get", "/api/v1/payment-refunds", { query, signal });
export const approveRefund = (id: number, reason: string) => call("post", "/api/v1/payment-refunds/{refund_id}/approve", { path: { refund_id: id }, body: { reason } });
export const rejectRefund = (id: number, reason: string) => call("post", "/api/v1/payment-refunds/{refund_id}/reject", { path: { refund_id: id }, body: { reason } });
export const tryRefundAgain = (id: number, reason: string) => call("post", "/api/v1/payment-refunds/{refund_id}/again", { path: { refund_id: id }, body: { reason } });
export type PaymentDifference = Schemas["PaymentDifference"];
export type DifferenceQuery = QueryOf<"list_payment_differences">;

export const listComparisons = (query: QueryOf<"list_payment_comparisons">, signal: Abort) => call("get", "/api/v1/payment-comparisons", { query, signal });
export const comparePayments = (channelId: number, day: string) => call("post", "/api/v1/payment-comparisons", { body: { channel_id: channelId, day } });
export const listDifferences = (query: DifferenceQuery, signal: Abort) => call("get", "/api/v1/payment-differences", { query, signal });
export const explainDifference = (id: number, reason: string) => call("post", "/api/v1/payment-differences/{difference_id}/explain", { path: { difference_id: id }, body: { reason } });
export const bookDifference = (id: number, accountId: number, reason: string) => call("post", "/api/v1/payment-differences/{difference_id}/book", { path: { difference_id: id }, body: { account_id: accountId, reason } });
export const approveBooking = (id: number, reason: string) => call("post", "/api/v1/payment-differences/{difference_id}/approve", { path: { difference_id: id }, body: { reason } });
export const rejectBooking = (id: number, reason: string) => call("post", "/api/v1/payment-differences/{difference_id}/reject", { path: { difference_id: id }, body: { reason } });
export const receiptPdf = (receiptId: number, language: "zh" | "en") => fileUrl("/api/v1/receipts/{receipt_id}/pdf", { language }, { receipt_id: receiptId });
export type DebitFile = Schemas["DebitFile"];
export type DebitItem = Schemas["DebitItem"];
export type DebitAnswer = Schemas["DebitAnswer"];
export type DebitAuthorisation = Schemas["DebitAuthorisation"];

export const listAuthorisations = (query: QueryOf<"list_debit_authorisations">, signal: Abort) => call("get", "/api/v1/debit-authorisations", { query, signal });
export const addAuthorisation = (body: Schemas["NewDebitAuthorisation"]) => call("post", "/api/v1/debit-authorisations", { body });
export const endAuthorisation = (id: number, reason: string) => call("post", "/api/v1/debit-authorisations/{authorisation_id}/end", { path: { authorisation_id: id }, body: { reason } });
export const listDebitFiles = (query: QueryOf<"list_debit_files">, signal: Abort) => call("get", "/api/v1/debit-files", { query, signal });
export const makeDebitFile = (key: string, collectOn: string) => call("post", "/api/v1/debit-files", { body: { key, collect_on: collectOn } });
export const readDebitFile = (id: number, signal: Abort) => call("get", "/api/v1/debit-files/{file_id}", { path: { file_id: id }, signal });
export const listDebitItems = (id: number, query: QueryOf<"list_debit_items">, signal: Abort) => call("get", "/api/v1/debit-files/{file_id}/items", { path: { file_id: id }, query, signal });
export const listDebitAnswers = (id: number, signal: Abort) => call("get", "/api/v1/debit-files/{file_id}/answers", { path: { file_id: id }, signal });
export const debitFileUrl = (id: number) => urlOf("/api/v1/debit-files/{file_id}/download", { file_id: id });
export const readDebitAnswer = (id: number, file: File): Promise<DebitAnswer> => sendFile(urlOf("/api/v1/debit-files/{file_id}/answers", { file_id: id }), file);
export const voidDebitFile = (id: number, reason: string) => call("post", "/api/v1/debit-files/{file_id}/void", { path: { file_id: id }, body: { reason } });
export type PaymentPartner = Schemas["PaymentPartner"];

export const listPartners = (signal: Abort) => call("get", "/api/v1/payment-partners", { signal });
export const addPartner = (name: string, reason: string) => call("post", "/api/v1/payment-partners", { body: { name, reason } });
export const changePartner = (id: number, body: Schemas["PaymentPartnerForm"]) => call("put", "/api/v1/payment-partners/{partner_id}", { path: { partner_id: id }, body });
export const renewPartnerKey = (id: number, reason: string) => call("post", "/api/v1/payment-partners/{partner_id}/key", { path: { partner_id: id }, body: { reason } });
