// Names of the rows that keys refer to: a cell that holds a player's id reads as the player's name.

import { signal } from "@preact/signals";
import { ApiError } from "../api/http";
import { readLabels } from "../api/routes";
import type { Column, Value } from "../api/types";

const AT_ONCE = 500;

/** Labels by table and the value that refers to it. Grows while the page is open; a refresh empties it. */
const known = signal<ReadonlyMap<string, string>>(new Map());
const asked = new Set<string>();

function slot(table: string, value: string): string {
  return `${table}\n${value}`;
}

/** The key of the row that a reference holds, as the server spells keys. */
export function keyOfReference(value: Value): string {
  return encodeURIComponent(String(value));
}

export function labelOf(table: string, value: string): string | undefined {
  return known.value.get(slot(table, value));
}

export function forgetLabels(): void {
  asked.clear();
  known.value = new Map();
}

/** Keeps a name that came with something else. */
export function learnLabel(table: string, value: string, label: string): void {
  if (labelOf(table, value) !== label) known.value = new Map(known.peek()).set(slot(table, value), label);
}

async function load(table: string, values: string[]): Promise<void> {
  try {
    const labels = await readLabels(table, values);
    const next = new Map(known.peek());
    for (const [value, label] of Object.entries(labels)) next.set(slot(table, value), label);
    known.value = next;
  } catch (error) {
    // Without its name a reference shows its key, and the next page asks again.
    if (!(error instanceof ApiError)) throw error;
    for (const value of values) asked.delete(slot(table, value));
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
      const text = String(value);
      if (asked.has(slot(table, text))) continue;
      asked.add(slot(table, text));
      if (!wanted.has(table)) wanted.set(table, new Set());
      wanted.get(table)!.add(text);
    }
  });
  for (const [table, values] of wanted) {
    const all = [...values];
    for (let from = 0; from < all.length; from += AT_ONCE) void load(table, all.slice(from, from + AT_ONCE));
  }
}
