// Forms that change what is there: prefilled, and only what was typed over is sent.

import type { Values } from "../state/actions";

/** What differs from before; where nothing does, the first, so that there is something to try. */
export function edited<Name extends string>(before: Record<Name, string>, values: Values): Partial<Record<Name, string>> {
  const names = Object.keys(before) as Name[];
  const other = names.filter((name) => (values[name] ?? before[name]).trim() !== before[name]);
  const sent: Partial<Record<Name, string>> = {};
  for (const name of other.length ? other : names.slice(0, 1)) sent[name] = (values[name] ?? before[name]).trim();
  return sent;
}
