// SPDX-License-Identifier: Apache-2.0
// The operations on bill runs, bills, their files, corrections and arrears.
import { call, fileUrl, type Abort, type QueryOf, type Schemas } from "@/api/typed";

export type BillRun = Schemas["BillRun"];
export type BillHead = Schemas["BillHead"];
export type BillCorrection = Schemas["BillCorrection"];
export type Job = Schemas["Job"];
export type Letterhead = Schemas["Letterhead"];
export type ArrearsQuery = QueryOf<"list_arrears">;

export type MirroredDay = Schemas["MirroredDay"];
export type DifferenceQuery = QueryOf<"list_balance_differences">;

export const listBalanceDifferences = (query: DifferenceQuery, signal: Abort) => call("get", "/api/v1/balance-differences", { query, signal });
export const reviewDifference = (id: number, verdict: Schemas["ReviewVerdict"], reason: string) => call("post", "/api/v1/balance-differences/{mirrored_id}/review", { path: { mirrored_id: id }, body: { verdict, reason } });
export const listMirroredMeters = (query: QueryOf<"list_mirrored_meters">, signal: Abort) => call("get", "/api/v1/mirrored-meters", { query, signal });
export const listMirroredDays = (meterId: number, query: QueryOf<"list_mirrored_days">, signal: Abort) => call("get", "/api/v1/meters/{meter_id}/mirrored-days", { path: { meter_id: meterId }, query, signal });
export const listRuns = (query: QueryOf<"list_bill_runs">, signal: Abort) => call("get", "/api/v1/bill-runs", { query, signal });
export const startRun = (month: string, dueDays: number, reason: string) => call("post", "/api/v1/bill-runs", { body: { month, due_days: dueDays, reason } });
export const resumeRun = (runId: number, reason: string) => call("post", "/api/v1/bill-runs/{run_id}/resume", { path: { run_id: runId }, body: { reason } });
export const listRefused = (runId: number, query: QueryOf<"list_refused_accounts">, signal: Abort) => call("get", "/api/v1/bill-runs/{run_id}/refused", { path: { run_id: runId }, query, signal });
export const listBills = (query: QueryOf<"list_bills">, signal: Abort) => call("get", "/api/v1/bills", { query, signal });
export const readBill = (billId: number, signal: Abort) => call("get", "/api/v1/bills/{bill_id}", { path: { bill_id: billId }, signal });
export const recomputed = (billId: number, signal: Abort) => call("get", "/api/v1/bills/{bill_id}/recomputed", { path: { bill_id: billId }, signal });
export const correctionOf = (accountId: number, month: string, signal: Abort) => call("get", "/api/v1/accounts/{account_id}/corrections/{month}", { path: { account_id: accountId, month }, signal });
export const listCorrections = (query: QueryOf<"list_corrections">, signal: Abort) => call("get", "/api/v1/bill-corrections", { query, signal });
export const askForCorrection = (accountId: number, month: string, reason: string) => call("post", "/api/v1/bill-corrections", { body: { account_id: accountId, month, reason } });
export const approveCorrection = (id: number, reason: string) => call("post", "/api/v1/bill-corrections/{correction_id}/approve", { path: { correction_id: id }, body: { reason } });
export const rejectCorrection = (id: number, reason: string) => call("post", "/api/v1/bill-corrections/{correction_id}/reject", { path: { correction_id: id }, body: { reason } });
export const listArrears = (query: ArrearsQuery, signal: Abort) => call("get", "/api/v1/arrears", { query, signal });
export type ServerAccount = Schemas["ServerAccount"];
export type ServerCharging = Schemas["ServerCharging"];

export const listServerAccounts = (query: QueryOf<"list_server_accounts">, signal: Abort) => call("get", "/api/v1/server-accounts", { query, signal });
export const chargeAtServer = (body: ServerCharging) => call("post", "/api/v1/server-accounts", { body });
export const endServerCharging = (accounts: number[], reason: string) => call("post", "/api/v1/server-accounts/end", { body: { account_ids: accounts, reason } });
export const listDeductions = (accountId: number, query: QueryOf<"list_deductions">, signal: Abort) => call("get", "/api/v1/accounts/{account_id}/deductions", { path: { account_id: accountId }, query, signal });
export const billPdf = (billId: number, language: "zh" | "en") => fileUrl("/api/v1/bills/{bill_id}/pdf", { language }, { bill_id: billId });
export const makeFiles = (runId: number, language: "zh" | "en") => call("post", "/api/v1/bill-runs/{run_id}/files", { path: { run_id: runId }, query: { language } });
export const listFileJobs = (query: QueryOf<"list_jobs">, signal: Abort) => call("get", "/api/v1/jobs", { query, signal });
export const billFileUrl = (jobId: number, piece: number) => fileUrl("/api/v1/jobs/{job_id}/file", { piece }, { job_id: jobId });
export const readLetterhead = (signal: Abort) => call("get", "/api/v1/bill-letterhead", { signal });
export const setLetterhead = (letterhead: Letterhead, reason: string) => call("put", "/api/v1/bill-letterhead", { body: { ...letterhead, reason } });
export type Invoice = Schemas["Invoice"];

export const listBillInvoices = (billId: number, signal: Abort) => call("get", "/api/v1/bills/{bill_id}/invoices", { path: { bill_id: billId }, signal });
export const askForInvoice = (billId: number, body: Schemas["NewInvoiceRequest"]) => call("post", "/api/v1/bills/{bill_id}/invoices", { path: { bill_id: billId }, body });
export const askInvoice = (id: number) => call("post", "/api/v1/invoices/{invoice_id}/ask", { path: { invoice_id: id } });
export const askForRedLetter = (id: number, reason: string) => call("post", "/api/v1/invoices/{invoice_id}/red-letter", { path: { invoice_id: id }, body: { reason } });
export const listInvoiceTaxes = (signal: Abort) => call("get", "/api/v1/invoice-taxes", { signal });
export const setInvoiceTaxes = (taxes: Schemas["InvoiceTaxEntry"][], reason: string) => call("put", "/api/v1/invoice-taxes", { body: { taxes, reason } });
