// SPDX-License-Identifier: Apache-2.0
// Short names for the generated shapes that shared code uses; a feature's own stand in its calls.ts.
import type { Schemas } from "./typed";

export type Me = Schemas["SessionInfo"];
export type Permission = Schemas["Permission"];
export type TracedField = Schemas["TracedField"];
export type Severity = Schemas["Alarm"]["severity"];
