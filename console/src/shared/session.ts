// SPDX-License-Identifier: Apache-2.0
// Who is signed in. One reactive value for the whole page; the server decides what is allowed, this only hides what would be refused.
import { computed, readonly, ref } from "vue";
import type { Me, Permission } from "@/api/types";
import { takePreferences } from "@/shared/preferences";

const me = ref<Me | null>(null);
const expired = ref(false);
let began = 0; // sessions that began in this page

export function useSession() {
  return {
    me: readonly(me),
    /** True after the server refused a running session, until the next sign-in. */
    expired: readonly(expired),
    zone: computed(() => me.value?.zone ?? "Asia/Shanghai"),
    may(permission: Permission): boolean {
      return me.value?.permissions.includes(permission) ?? false;
    },
  };
}

/** Changes with each session that begins. */
export function sessionNumber(): number {
  return began;
}

export function setSession(value: Me | null): void {
  me.value = value;
  takePreferences(value?.preferences ?? null);
  if (value === null) return;
  began += 1;
  expired.value = false;
}

export function markExpired(): void {
  if (me.value !== null) expired.value = true;
  me.value = null;
}
