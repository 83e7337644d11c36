// What lies over the page: the palette or the list of keys. One at a time.

import { signal } from "@preact/signals";

export const overlay = signal<"find" | "help" | null>(null);

export function showFind(): void {
  overlay.value = "find";
}

export function showHelp(): void {
  overlay.value = "help";
}

export function closeOverlay(): void {
  overlay.value = null;
}
