// Names of the rows that keys refer to: a cell that holds a player's id reads as the player's name.

import { signal } from "@preact/signals";
import { ApiError } from "../api/http";
import { readLabels } from "../api/routes";
import type { Column, Value } from "../api/types";

const AT_ONCE = 500;

/** Labels by `table` and key. Grows while the page is open; a refresh empties it. */
const known = signal<ReadonlyMap<string, string>>(new Map());
const asked = new Set<string>();

function slot(table: string, key: string): string {
  return `${table}\n${key}`;
}

/** The key of the row that a reference holds, as the server spells keys. */
export function keyOfReference(value: Value): string {
  return encodeURIComponent(String(value));
}

export function labelOf(table: string, key: string): string | undefined {
  return known.value.get(slot(table, key));
}

export function forgetLabels(): void {
  asked.clear();
  known.value = new Map();
}

/** Keeps a name that came with something else. */
export function learnLabel(table: string, key: string, label: string): void {
  if (labelOf(table, key) !== label) known.value = new Map(known.peek()).set(slot(table, key), label);
}

async function load(table: string, keys: string[]): Promise<void> {
  try {
    const labels = await readLabels(table, keys);
    const next = new Map(known.peek());
    for (const [key, label] of Object.entries(labels)) next.set(slot(table, key), label);
    known.value = next;
  } catch (error) {
    // Without its name a reference shows its key, and the next page asks again.
    if (!(error instanceof ApiError)) throw error;
    for (const key of keys) asked.delete(slot(table, key));
  }
}

/** Asks for the names that the rows refer to and that are not known yet. */
export function wantLabels(columns: Column[], rows: Value[][]): void {
  const wanted = new Map<string, Set<string>>();
  columns.forEach((column, index) => {
    if (!column.references) return;
    const { table } = column.references;
    for (const row of rows) {
      const value = row[index];
      if (typeof value !== "string" && typeof value !== "number") continue;
      const key = keyOfReference(value);
      if (asked.has(slot(table, key))) continue;
      asked.add(slot(table, key));
      if (!wanted.has(table)) wanted.set(table, new Set());
      wanted.get(table)!.add(key);
    }
  });
  for (const [table, keys] of wanted) {
    const all = [...keys];
    for (let from = 0; from < all.length; from += AT_ONCE) void load(table, all.slice(from, from + AT_ONCE));
  }
}
