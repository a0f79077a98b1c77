// SPDX-License-Identifier: Apache-2.0
// The operations that the frame and every list need, and that belong to no feature: what a person set for themselves, roles,
// kept views of lists.
import { call, type Abort, type Schemas } from "@/api/typed";

export type Preferences = Schemas["Preferences"];
export type PreferencesChange = Schemas["PreferencesChange"];
export type RoleRecord = Schemas["RoleRecord"];
export type ListView = Schemas["ListView"];
export type NewListView = Schemas["NewListView"];

export const changePreferences = (change: PreferencesChange) => call("patch", "/api/v1/session/preferences", { body: change });
export const listRoles = (signal: Abort) => call("get", "/api/v1/roles", { signal });
export const listViews = (page: string, signal: Abort) => call("get", "/api/v1/list-views", { query: { page }, signal });
export const saveListView = (view: NewListView) => call("post", "/api/v1/list-views", { body: view });
export const changeListView = (viewId: number, view: NewListView) => call("put", "/api/v1/list-views/{view_id}", { path: { view_id: viewId }, body: view });
export const removeListView = (viewId: number) => call("delete", "/api/v1/list-views/{view_id}", { path: { view_id: viewId } });
