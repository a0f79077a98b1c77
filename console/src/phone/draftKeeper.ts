// SPDX-License-Identifier: Apache-2.0
// A form that is a draft on the phone from the first sign on: the newest state is written, one writing at a time, for pictures are heavy.
import { put } from "./store";

export interface DraftKeeper {
  /** Something was filled in. */
  touched: () => void;
  /** When nothing is being written any more. */
  settled: () => Promise<void>;
}

/** `now`: its name and what of it can be stored; null: there is none. `failed` is told what the phone did not keep. */
export function draftKeeper(now: () => { name: string; draft: unknown } | null, failed: (error: unknown) => void): DraftKeeper {
  let writing: Promise<void> | null = null;
  let changed = false;
  async function write(): Promise<void> {
    try {
      for (let kept = now(); changed && kept !== null; kept = now()) {
        changed = false;
        await put("kept", kept.name, kept.draft);
      }
    } catch (error) {
      failed(error);
    } finally {
      writing = null;
    }
  }
  return {
    touched: () => {
      changed = true;
      writing ??= write();
    },
    settled: () => writing ?? Promise.resolve(),
  };
}
