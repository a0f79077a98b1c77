// SPDX-License-Identifier: Apache-2.0
// What of an address is a view of a list: its filters, order and columns; never the place within it, which is another row tomorrow.
import type { LocationQuery } from "vue-router";

const PLACES = /^(cursor|after|acts|alarms|authorisations|commands|comparisons|debits|differences|edits|entries|findings|frames|manual|members|notices|orders|receipts|refunds|returns|tariffs|tasks|timeline|visits)$/;

export function viewQuery(query: LocationQuery): Record<string, string> {
  return Object.fromEntries(Object.entries(query).filter((entry): entry is [string, string] => typeof entry[1] === "string" && entry[1] !== "" && !PLACES.test(entry[0])));
}
