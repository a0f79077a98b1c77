// SPDX-License-Identifier: Apache-2.0
// Makes acts out of forms and keeps them on the phone.
import { me, offsetMs } from "./contact";
import type { Act, Step } from "./queue";
import { keepAct } from "./store";

export interface NewAct {
  key: string;
  kind: string;
  title: string;
  form: Record<string, unknown>;
  steps: Step[];
}

/** Throws where the phone did not keep it: then nothing of it is kept, and the form stays as it is. `draft`: what it was made of. */
export async function keep(wanted: NewAct, files: ReadonlyMap<string, Blob>, draft?: string): Promise<void> {
  if (me.value === null) throw new Error("nobody is signed in");
  const act: Act = {
    ...wanted,
    // A plain copy: what Vue watches cannot be stored.
    form: JSON.parse(JSON.stringify(wanted.form)) as Record<string, unknown>,
    owner: { user_id: me.value.user_id, name: me.value.name },
    made_ms: Date.now(),
    offset_ms: offsetMs.value,
    at: null,
    done: 0,
    state: "waiting",
    refusal: null,
    times: [],
  };
  await keepAct(act, files, draft);
}
