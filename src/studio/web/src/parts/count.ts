// Numbers of rows in words that are never wrong: exact, at least, or about.

import type { Count } from "../api/types";
import { compact, grouped } from "../text/number";

export function countWords(count: Count): string {
  if (count.atLeast) return `${grouped(count.n)}+`;
  return count.about ? `about ${grouped(count.n)}` : grouped(count.n);
}

/** The same where there is room for a few characters only. */
export function countShort(count: Count): string {
  if (count.atLeast) return `${compact(count.n)}+`;
  return count.about ? `~${compact(count.n)}` : compact(count.n);
}
