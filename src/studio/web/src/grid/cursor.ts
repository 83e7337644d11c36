// The active cell and the rectangle that grows from it. The active cell is the corner that moves; the other corner
// stays where the selection began.

import type { GridTable } from "./model";

export interface Place {
  row: number;
  column: number;
}

/** Where the active cell is, or null before the first move. */
export function placeOf(table: GridTable): Place | null {
  const range = table.atoms.cellSelection.get().at(-1);
  if (!range) return null;
  const row = table.getRowModel().rowsById[range.focusRowId]?.index ?? -1;
  const column = table.getVisibleLeafColumns().findIndex(({ id }) => id === range.focusColumnId);
  return row < 0 || column < 0 ? null : { row, column };
}

/** Moves the active cell, within the table; with `extend` the rectangle follows. */
export function moveTo(table: GridTable, place: Place, extend: boolean): Place | null {
  const rows = table.getRowModel().rows;
  const columns = table.getVisibleLeafColumns();
  if (!rows.length || !columns.length) return null;
  const row = Math.max(0, Math.min(place.row, rows.length - 1));
  const column = Math.max(0, Math.min(place.column, columns.length - 1));
  const focusRowId = rows[row]!.id;
  const focusColumnId = columns[column]!.id;
  const last = table.atoms.cellSelection.get().at(-1);
  const anchored = extend && last;
  table.selectCellRange({
    anchorRowId: anchored ? last.anchorRowId : focusRowId,
    anchorColumnId: anchored ? last.anchorColumnId : focusColumnId,
    focusRowId,
    focusColumnId,
  });
  return { row, column };
}
