// SPDX-License-Identifier: Apache-2.0
// The roles of the utility, and which of them the person who is signed in may give: those that may do no more than the person.
import { useQuery } from "@tanstack/vue-query";
import { computed } from "vue";
import { locale } from "@/shared/i18n";
import { roleName } from "@/shared/roleName";
import { useSession } from "@/shared/session";
import { listRoles, type RoleRecord } from "./calls";

export function useRoles() {
  const { may } = useSession();
  const query = useQuery({ queryKey: ["roles"], queryFn: ({ signal }) => listRoles(signal) });
  const roles = computed(() => query.data.value ?? []);
  const textOf = (role: RoleRecord): string => (locale() === "en" ? role.name_en : role.name);
  return {
    query,
    roles,
    textOf,
    given: computed(() => roles.value.filter((role) => role.permissions.every((one) => may(one)))),
    /** What a role of this code is called. */
    nameOf: (code: string): string => {
      const found = roles.value.find((role) => role.code === code);
      return found === undefined ? roleName(code) : textOf(found);
    },
    /** Whether a role may manage people: giving it asks for a reason. */
    managesPeople: (code: string): boolean => roles.value.find((role) => role.code === code)?.permissions.includes("manage_users") ?? false,
  };
}
