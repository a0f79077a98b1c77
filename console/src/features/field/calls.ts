// SPDX-License-Identifier: Apache-2.0
// The operations of work outside. What a phone sends later is a step: address and body, to be sent by the queue of src/phone.
import { urlOf } from "@/api/transport";
import { call, type Abort, type QueryOf, type Schemas } from "@/api/typed";

export type ReadingRoute = Schemas["ReadingRoute"];
export type RouteDetail = Schemas["RouteDetail"];
export type RouteMeter = Schemas["RouteMeter"];
export type NewRoute = Schemas["NewRoute"];
export type RouteChange = Schemas["RouteChange"];
export type CheckQuestion = Schemas["CheckQuestion"];
export type IssuedMeter = Schemas["IssuedMeter"];
export type Kit = Schemas["Kit"];
export type NoAccess = NonNullable<Schemas["VisitRequest"]["no_access"]>;
export type PhotoPurpose = Schemas["SitePhoto"]["purpose"];
export type SitePhoto = Schemas["SitePhoto"];
export type SiteTest = Schemas["SiteTest"];
export type SiteVisit = Schemas["SiteVisit"];
/** A call that may be made later: `{at}` stands for the instant of its act. */
export interface LaterCall {
  method: "POST";
  url: string;
  body?: unknown;
  file?: string;
}
const AT = "{at}";

export const takeKit = (signal: Abort) => call("get", "/api/v1/field/kit", { signal });
export const listRoutes = (query: QueryOf<"list_reading_routes">, signal: Abort) => call("get", "/api/v1/reading-routes", { query, signal });
export const getRoute = (bookId: number, signal: Abort) => call("get", "/api/v1/reading-routes/{route_id}", { path: { route_id: bookId }, signal });
export const addReadingRoute = (body: NewRoute) => call("post", "/api/v1/reading-routes", { body });
export const changeReadingRoute = (bookId: number, revision: number, body: RouteChange) =>
  call("patch", "/api/v1/reading-routes/{route_id}", { path: { route_id: bookId }, body, ifMatch: revision });
export const removeReadingRoute = (bookId: number, reason: string) =>
  call("delete", "/api/v1/reading-routes/{route_id}", { path: { route_id: bookId }, query: { reason } });
export const listSiteVisits = (meterId: number, query: { cursor?: string }, signal: Abort) =>
  call("get", "/api/v1/meters/{meter_id}/site-visits", { path: { meter_id: meterId }, query, signal });
export const listPhotos = (meterId: number, query: { cursor?: string }, signal: Abort) =>
  call("get", "/api/v1/meters/{meter_id}/photos", { path: { meter_id: meterId }, query, signal });
export const photoUrl = (photoId: number) => urlOf("/api/v1/site-photos/{photo_id}", { photo_id: photoId });
export const getSiteTest = (meterId: number, since: string, signal: Abort) =>
  call("get", "/api/v1/meters/{meter_id}/site-test", { path: { meter_id: meterId }, query: { since }, signal });
export const noteSiteTest = (meterId: number, body: Schemas["SiteTestRequest"]) =>
  call("post", "/api/v1/meters/{meter_id}/site-test", { path: { meter_id: meterId }, body });
export const noteVisit = (body: Omit<Schemas["VisitRequest"], "at">): LaterCall => ({ method: "POST", url: "/api/v1/site-visits", body: { ...body, at: AT } });
export const takeReadingLater = (body: Omit<Schemas["NewReading"], "read_at">): LaterCall => ({ method: "POST", url: "/api/v1/manual-readings", body: { ...body, read_at: AT } });
export const installLater = (body: Omit<Schemas["InstallationRequest"], "at"> & { reason: string }): LaterCall => ({ method: "POST", url: "/api/v1/installations", body: { ...body, at: AT } });
export const addPhoto = (key: string, meterId: number, act: string, purpose: PhotoPurpose): LaterCall => ({
  method: "POST",
  url: urlOf("/api/v1/site-photos", {}, { key, meter_id: meterId, act, purpose, taken_at: AT } satisfies QueryOf<"add_photo">),
  file: key,
});
