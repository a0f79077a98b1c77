// SPDX-License-Identifier: Apache-2.0
// The meter form's texts and the API's values.
import type { MeterChange, MeterDetail, NewMeter, Place } from "@/features/fleet/calls";

export interface MeterInputs {
  number: string;
  product_id: string;
  area_id: string;
  imei: string;
  imsi: string;
  iccid: string;
  dev_eui: string;
  bar_code: string;
  address: string;
  place: Place;
  dn: string;
  qmax_l_h: string;
  installed_on: string;
  /** First day whose reading is asked for. */
  expected_from: string;
  /** Of the meter's customer; without one they stay false and are not shown. */
  is_protected: boolean;
  is_critical: boolean;
}

export function emptyInputs(today: string): MeterInputs {
  return { number: "", product_id: "", area_id: "", imei: "", imsi: "", iccid: "", dev_eui: "", bar_code: "", address: "", place: "room", dn: "", qmax_l_h: "", installed_on: today, expected_from: today, is_protected: false, is_critical: false };
}

export function inputsOf(meter: MeterDetail): MeterInputs {
  return {
    number: meter.number,
    product_id: String(meter.product_id),
    area_id: String(meter.area_id),
    imei: meter.imei ?? "",
    imsi: meter.imsi,
    iccid: meter.iccid,
    dev_eui: meter.dev_eui ?? "",
    bar_code: meter.bar_code,
    address: meter.address,
    place: meter.place,
    dn: meter.dn === 0 ? "" : String(meter.dn),
    qmax_l_h: meter.qmax_l_h === 0 ? "" : String(meter.qmax_l_h),
    installed_on: meter.installed_on,
    expected_from: meter.expected_from,
    is_protected: meter.customer?.is_protected ?? false,
    is_critical: meter.customer?.is_critical ?? false,
  };
}

export function newMeter(inputs: MeterInputs): NewMeter {
  return {
    number: inputs.number.trim(),
    product_id: Number(inputs.product_id),
    area_id: Number(inputs.area_id),
    imei: inputs.imei.trim() === "" ? null : inputs.imei.trim(),
    imsi: inputs.imsi.trim(),
    iccid: inputs.iccid.trim(),
    dev_eui: inputs.dev_eui.trim() === "" ? null : inputs.dev_eui.trim().toLowerCase(),
    bar_code: inputs.bar_code.trim(),
    address: inputs.address.trim(),
    place: inputs.place,
    dn: Number(inputs.dn),
    qmax_l_h: Number(inputs.qmax_l_h),
    installed_on: inputs.installed_on,
    expected_from: inputs.expected_from,
  };
}

/** What differs from the meter as it was read; an empty object when nothing does. The number never changes. */
export function changesOf(meter: MeterDetail, inputs: MeterInputs): MeterChange {
  const all = (of: MeterInputs) => Object.entries({ ...newMeter(of), is_protected: of.is_protected, is_critical: of.is_critical });
  const old = new Map<string, unknown>(all(inputsOf(meter)));
  return Object.fromEntries(all(inputs).filter(([key, value]) => key !== "number" && old.get(key) !== value));
}
