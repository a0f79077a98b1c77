// SPDX-License-Identifier: Apache-2.0
// The form that makes a meter of an unknown terminal: texts in, the request's body out.
import type { NewMeter } from "@/features/fleet/calls";

export interface Acceptance {
  number: string;
  product_id: string;
  area_id: string;
  installed_on: string;
  address: string;
}

export function emptyAcceptance(today: string): Acceptance {
  return { number: "", product_id: "", area_id: "", installed_on: today, address: "" };
}

export function isComplete(form: Acceptance): boolean {
  return form.number.trim() !== "" && form.product_id !== "" && form.area_id !== "" && form.installed_on !== "";
}

/** The IMEI is part of the address, not of the body. */
export function acceptBody(form: Acceptance): NewMeter {
  return {
    number: form.number.trim(),
    product_id: Number(form.product_id),
    area_id: Number(form.area_id),
    installed_on: form.installed_on,
    address: form.address.trim(),
    bar_code: "",
    imsi: "",
    iccid: "",
    place: "room",
    dn: 0,
    qmax_l_h: 0,
  };
}
