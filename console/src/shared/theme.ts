// SPDX-License-Identifier: Apache-2.0
// Light, dark, or as the system says. Element Plus reads the class on <html>.
import { ref, watchEffect } from "vue";

export type Theme = "system" | "light" | "dark";

const KEY = "openmains.theme";
const stored = localStorage.getItem(KEY);
export const theme = ref<Theme>(stored === "light" || stored === "dark" ? stored : "system");
export const isDark = ref(false);

const system = window.matchMedia("(prefers-color-scheme: dark)");

export function startTheme(): void {
  const apply = (): void => {
    isDark.value = theme.value === "dark" || (theme.value === "system" && system.matches);
    document.documentElement.classList.toggle("dark", isDark.value);
  };
  system.addEventListener("change", apply);
  watchEffect(() => {
    if (theme.value === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme.value);
    apply();
  });
}
