// SPDX-License-Identifier: Apache-2.0
// What was typed into a form and not sent is still there when its page is opened again: after a look at another page, and after a session that
// ended in between. It stays in this page's memory only – never on disk – belongs to the person who typed it, and is gone with a sign-out.
//
// Of a record that is changed, only the fields that were typed are kept: what others changed meanwhile is not taken back by them.
import { getCurrentInstance, onBeforeUnmount, onScopeDispose, ref, watch, type Ref } from "vue";
import { useRoute } from "vue-router";
import { useSession } from "@/shared/session";

type Fields = Record<string, unknown>;

const kept = new Map<string, Fields>();

/** Nothing of what anybody typed stays. */
export function forgetDrafts(): void {
  kept.clear();
}

export interface Draft {
  /** Whether the form shows what was typed before. */
  isRestored: Ref<boolean>;
  /** Back to how the form would be without it. */
  discard: () => void;
  /** The record was changed by others: `fill` writes it into the form, and what was typed is put over it again. True where something was. */
  refill: (fill: () => void) => boolean;
  /** It was sent: nothing is kept of it. */
  done: () => void;
}

const textOf = (value: unknown): string => JSON.stringify(value) ?? "";

/** The fields that differ from `before`, as values of their own. */
export function typedSince(before: Fields, form: Fields): Fields {
  const differing = Object.keys(form).filter((name) => textOf(form[name]) !== textOf(before[name]));
  return Object.fromEntries(differing.map((name) => [name, JSON.parse(textOf(form[name])) as unknown]));
}

const copyOf = (form: Fields): Fields => JSON.parse(textOf(form)) as Fields;

/** Keeps what is typed into `form`, a reactive record of plain values without secrets. `isFilled`: whether it shows the record that is changed. */
export function useDraft(form: object, isFilled: () => boolean = () => true): Draft {
  const fields = form as Fields;
  const route = useRoute();
  const { me } = useSession();
  const place = `${String(me.value?.user_id ?? 0)} ${route.path}`;
  const isRestored = ref(false);
  let before: Fields | null = null;
  let isSent = false;

  const begin = (): void => {
    before = copyOf(fields);
    const typed = kept.get(place);
    if (typed === undefined) return;
    Object.assign(fields, copyOf(typed));
    isRestored.value = true;
  };
  if (isFilled()) begin();
  else {
    const stop = watch(isFilled, (now) => {
      if (!now) return;
      stop();
      begin();
    }, { flush: "post" });
  }
  const leave = (): void => {
    if (before === null) return;
    const typed = typedSince(before, fields);
    if (isSent || Object.keys(typed).length === 0) kept.delete(place);
    else kept.set(place, typed);
  };
  if (getCurrentInstance() === null) onScopeDispose(leave);
  else onBeforeUnmount(leave);
  return {
    isRestored,
    discard: () => {
      if (before !== null) Object.assign(fields, copyOf(before));
      kept.delete(place);
      isRestored.value = false;
    },
    refill: (fill) => {
      const typed = before === null ? {} : typedSince(before, fields);
      fill();
      if (before === null) return false; // it begins with this
      before = copyOf(fields);
      Object.assign(fields, copyOf(typed));
      return Object.keys(typed).length > 0;
    },
    done: () => {
      isSent = true;
      kept.delete(place);
    },
  };
}
