// What the next press of a column's header or of `s` sorts by.

import type { Table } from "../api/types";
import { readSort, type SortKey } from "./route";

/** As many as the server takes. */
const MOST = 4;

/** Above so many rows an order that no index serves is left to the one who asks for it. */
const LARGE = 500_000;

/** The order of a table before it is sorted by hand; none is the order of its key. */
export function usualSort(table: Table): SortKey[] {
  return table.rows && table.rows.n > LARGE ? [] : readSort(table.defaultSort);
}

/** Kinds of which people want the largest or the latest first. */
const LARGEST_FIRST = ["integer", "bigint", "decimal", "float", "timestamp", "date"];

/**
 * Sorts by a column, then the other way round, then no longer by it. With `more` the other columns stay and this one
 * comes after them. An empty list means the table's own order.
 */
export function nextSort(sort: SortKey[], column: string, more: boolean, table: Table): SortKey[] {
  const known = table.columns.find(({ name }) => name === column);
  const first = known !== undefined && LARGEST_FIRST.includes(known.kind) && known.references === null;
  const now = sort.find((key) => key.column === column);
  const others = sort.filter((key) => key.column !== column);
  if (!now) {
    const added = { column, descending: first };
    return more ? [...others.slice(0, MOST - 1), added] : [added];
  }
  if (now.descending !== first) return more ? others : [];
  const turned = { column, descending: !first };
  return more ? sort.map((key) => (key === now ? turned : key)) : [turned];
}
