// SPDX-License-Identifier: Apache-2.0
// The operations on customers and accounts.
import { call, type Abort, type QueryOf, type Schemas } from "@/api/typed";

export type Account = Schemas["Account"];
export type AccountDetail = Schemas["AccountDetail"];
export type Customer = Schemas["PartyCustomer"];
export type CustomerDetail = Schemas["CustomerDetail"];
export type CustomerChange = Schemas["CustomerChange"];
export type NewAccount = Schemas["NewAccount"];
export type NewContact = Schemas["NewContact"];
export type NewCustomer = Schemas["NewCustomer"];
export type PersonalField = Schemas["PersonalRequest"]["field"];
export type WantedAct = Schemas["WantedAct"];

export type CustomerSort = NonNullable<QueryOf<"list_customers">["sort"]>;
export const listCustomers = (query: QueryOf<"list_customers">, signal: Abort) => call("get", "/api/v1/customers", { query, signal });
export const getCustomer = (customerId: number, signal: Abort) => call("get", "/api/v1/customers/{customer_id}", { path: { customer_id: customerId }, signal });
export const addCustomer = (body: NewCustomer) => call("post", "/api/v1/customers", { body });
export const changeCustomer = (customerId: number, revision: number, body: Omit<CustomerChange, "reason">, reason: string) =>
  call("patch", "/api/v1/customers/{customer_id}", { path: { customer_id: customerId }, body: { ...body, reason }, ifMatch: revision });
export const addContact = (customerId: number, body: NewContact) => call("post", "/api/v1/customers/{customer_id}/contacts", { path: { customer_id: customerId }, body });
export const removeContact = (customerId: number, contactId: number, reason: string) =>
  call("delete", "/api/v1/customers/{customer_id}/contacts/{contact_id}", { path: { customer_id: customerId, contact_id: contactId }, query: { reason } });
export const seePersonal = (customerId: number, field: PersonalField, contactId: number | null, reason: string) =>
  call("post", "/api/v1/customers/{customer_id}/personal", { path: { customer_id: customerId }, body: { field, contact_id: contactId, reason } });
export type AccountSort = NonNullable<QueryOf<"list_accounts">["sort"]>;
export const listAccounts = (query: QueryOf<"list_accounts">, signal: Abort) => call("get", "/api/v1/accounts", { query, signal });
export const getAccount = (accountId: number, signal: Abort) => call("get", "/api/v1/accounts/{account_id}", { path: { account_id: accountId }, signal });
export const openAccount = (body: NewAccount) => call("post", "/api/v1/accounts", { body });
export const actOnAccount = (accountId: number, body: Omit<WantedAct, "reason">, reason: string) =>
  call("post", "/api/v1/accounts/{account_id}/acts", { path: { account_id: accountId }, body: { ...body, reason } });
