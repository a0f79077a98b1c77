// SPDX-License-Identifier: Apache-2.0
// The operations on the session, people, tokens and the audit log.
import { call, type Abort, type QueryOf, type Schemas } from "@/api/typed";

export type ClientApplication = Schemas["ClientApplication"];
export type NewApplication = Schemas["NewApplication"];
export type ApplicationChange = Schemas["ApplicationChange"];
export type ApiToken = Schemas["ApiToken"];
export type NewToken = Schemas["NewToken"];
export type NewUser = Schemas["NewUser"];
export type PermissionGroup = Schemas["PermissionGroup"];
export type NewRole = Schemas["NewRole"];
export type RoleChange = Schemas["RoleChange"];
export type User = Schemas["User"];
export type UserChange = Schemas["UserChange"];
export type AuditQuery = QueryOf<"list_audit">;
export type AuditSort = NonNullable<AuditQuery["sort"]>;

export const whoAmI = () => call("get", "/api/v1/session");
export const signIn = (body: { tenant?: string; login: string; password: string }) => call("post", "/api/v1/session", { body });
export const signOut = () => call("delete", "/api/v1/session");
export const changePassword = (body: { current: string; new: string; keep_tokens: boolean }) => call("post", "/api/v1/session/password", { body });
export const listUsers = (query: { cursor?: string; limit?: number }, signal: Abort) => call("get", "/api/v1/users", { query, signal });
export const getUser = (userId: number, signal: Abort) => call("get", "/api/v1/users/{user_id}", { path: { user_id: userId }, signal });
export const createUser = (body: NewUser) => call("post", "/api/v1/users", { body });
export const changeUser = (userId: number, body: UserChange) => call("patch", "/api/v1/users/{user_id}", { path: { user_id: userId }, body });
export const removeUser = (userId: number, reason: string) => call("delete", "/api/v1/users/{user_id}", { path: { user_id: userId }, query: { reason } });
export const resetPassword = (userId: number, reason: string) =>
  call("post", "/api/v1/users/{user_id}/password", { path: { user_id: userId }, body: { reason } });
export const listPermissions = (signal: Abort) => call("get", "/api/v1/permissions", { signal });
export const addRole = ({ name, permissions, reason }: NewRole) => call("post", "/api/v1/roles", { body: { name, permissions, reason } });
export const changeRole = (roleId: number, { name, permissions, revision, reason }: RoleChange) =>
  call("patch", "/api/v1/roles/{role_id}", { path: { role_id: roleId }, body: { name, permissions, revision, reason } });
export const removeRole = (roleId: number, reason: string) => call("delete", "/api/v1/roles/{role_id}", { path: { role_id: roleId }, query: { reason } });
export const listTokens = (query: { cursor?: string; limit?: number }, signal: Abort) => call("get", "/api/v1/tokens", { query, signal });
export const createToken = (body: NewToken) => call("post", "/api/v1/tokens", { body });
export const revokeToken = (tokenId: number, reason: string) => call("delete", "/api/v1/tokens/{token_id}", { path: { token_id: tokenId }, query: { reason } });
export const listApplications = (query: { cursor?: string; limit?: number }, signal: Abort) => call("get", "/api/v1/applications", { query, signal });
export const getApplication = (applicationId: number, signal: Abort) => call("get", "/api/v1/applications/{application_id}", { path: { application_id: applicationId }, signal });
export const listApplicationScopes = (signal: Abort) => call("get", "/api/v1/applications/scopes", { signal });
export const addApplication = (body: NewApplication) => call("post", "/api/v1/applications", { body });
export const changeApplication = (applicationId: number, body: ApplicationChange) =>
  call("patch", "/api/v1/applications/{application_id}", { path: { application_id: applicationId }, body });
export const renewSecret = (applicationId: number, overlapH: number, reason: string) =>
  call("post", "/api/v1/applications/{application_id}/secret", { path: { application_id: applicationId }, body: { overlap_h: overlapH, reason } });
export const takeOverApplication = (applicationId: number, reason: string) =>
  call("post", "/api/v1/applications/{application_id}/responsible", { path: { application_id: applicationId }, body: { reason } });
export const revokeApplication = (applicationId: number, reason: string) =>
  call("delete", "/api/v1/applications/{application_id}", { path: { application_id: applicationId }, query: { reason } });
export const listAudit = (query: AuditQuery, signal: Abort) => call("get", "/api/v1/audit", { query, signal });
