// Light and dark: what the system prefers, unless the switch in the header says otherwise.

import { computed, effect, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";

const KEY = "skyteam.studio.theme";
const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(prefersDark.matches);
prefersDark.addEventListener("change", (event) => {
  systemIsDark.value = event.matches;
});

function stored(): Theme {
  const value = localStorage.getItem(KEY);
  return value === "light" || value === "dark" ? value : "auto";
}

export const theme = signal<Theme>(stored());
export const dark = computed(() => (theme.value === "auto" ? systemIsDark.value : theme.value === "dark"));

const ORDER: Theme[] = ["auto", "light", "dark"];

export function nextTheme(): void {
  theme.value = ORDER[(ORDER.indexOf(theme.value) + 1) % ORDER.length]!;
  localStorage.setItem(KEY, theme.value);
}

/** Radix' scales are chosen by a class of the root element. */
export function watchTheme(): void {
  effect(() => {
    document.documentElement.classList.toggle("dark", dark.value);
    document.documentElement.classList.toggle("light", !dark.value);
  });
}
