// SPDX-License-Identifier: Apache-2.0
// Risky acts ask first: what will happen to how many or whom, the way back, and a reason where the server needs one. The table
// in docs/console.md says which acts these are; `ConfirmAct.vue`, once in the frame, is the dialog.
import { shallowRef } from "vue";

export interface Act {
  /** The question, naming the act and whom it meets. */
  title: string;
  /** What happens then, a sentence each; how many and whom. */
  consequences: readonly string[];
  /** How it is taken back, or that it cannot be. */
  wayBack: string;
  /** Words of the button that does it. */
  go: string;
  /** Whether a reason must be given; the server refuses the act without one. */
  reason: boolean;
  /** Does it. A failure stays in the dialog with what was typed, so that nothing has to be written twice. */
  run: (reason: string) => Promise<unknown>;
  /** Shows on the page what is now. The act ends with it: until then the button that was pressed would offer once more what is done. Where the
   *  person thought better of it, it is shown too: somebody else may have been quicker. */
  renew?: () => Promise<unknown>;
}

export interface Asked {
  act: Act;
  end: (done: boolean) => void;
}

/** The act that is asked about now. */
export const asked = shallowRef<Asked | null>(null);

/** Asks; true once it was done, false where the person thought better of it. */
export function confirmAct(act: Act): Promise<boolean> {
  asked.value?.end(false);
  const run = async (reason: string): Promise<void> => {
    await act.run(reason);
    await act.renew?.();
  };
  return new Promise((resolve) => {
    const end = (done: boolean): void => {
      if (asked.value?.end === end) asked.value = null;
      if (!done) void act.renew?.();
      resolve(done);
    };
    asked.value = { act: { ...act, run }, end };
  });
}

/** Two letters or digits at least, as the server counts them. */
export function isReason(text: string): boolean {
  return (text.match(/[\p{L}\p{N}]/gu) ?? []).length >= 2;
}
