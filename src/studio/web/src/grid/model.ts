// The grid's model: TanStack's columns (which are shown, in what order, how wide) and its rectangle of cells. Rows are
// filtered and sorted by the server.

import {
  cellSelectionFeature,
  columnOrderingFeature,
  columnSizingFeature,
  columnVisibilityFeature,
  createColumnHelper,
  tableFeatures,
  useTable,
} from "@tanstack/preact-table";
import { useMemo } from "preact/hooks";
import type { Column, Kind } from "../api/types";
import type { FeedRow } from "../state/feed";

const features = tableFeatures({
  cellSelectionFeature,
  columnOrderingFeature,
  columnSizingFeature,
  columnVisibilityFeature,
});

const helper = createColumnHelper<typeof features, FeedRow>();

/** Pixels at a root font of 16; what does not fit ends in an ellipsis and can be widened. */
const WIDTHS: Partial<Record<Kind, number>> = {
  boolean: 90,
  integer: 100,
  bigint: 130,
  decimal: 130,
  timestamp: 190,
  uuid: 120,
  enum: 120,
};
const WIDTH = 160;
const MIN_WIDTH = 64;

/** Keys that people cannot read come last: what a row is about stands at its beginning. */
export function defaultOrder(columns: Column[]): string[] {
  const opaque = ({ kind, references }: Column): boolean => kind === "uuid" && !references;
  return [...columns.filter((column) => !opaque(column)), ...columns.filter(opaque)].map(({ name }) => name);
}

export function useGridTable(columns: Column[], rows: FeedRow[], shown: string[] | null) {
  const defs = useMemo(
    () =>
      helper.columns(
        columns.map((column, index) =>
          helper.accessor((row) => row.values[index] ?? null, {
            id: column.name,
            size: WIDTHS[column.kind] ?? WIDTH,
            minSize: MIN_WIDTH,
          }),
        ),
      ),
    [columns],
  );
  const layout = useMemo(() => {
    const order = shown ?? defaultOrder(columns);
    return {
      columnOrder: order,
      columnVisibility: Object.fromEntries(columns.map(({ name }) => [name, order.includes(name)])),
    };
  }, [columns, shown]);
  return useTable({
    features,
    columns: defs,
    data: rows,
    getRowId: (row) => row.key,
    state: layout,
    autoResetCellSelection: false,
  });
}

export type GridTable = ReturnType<typeof useGridTable>;
export type GridCell = ReturnType<ReturnType<GridTable["getRowModel"]>["rows"][number]["getVisibleCells"]>[number];
