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
  timestamp: 220,
  uuid: 110,
  enum: 100,
};
const REFERENCE_WIDTH = 170;
const MIN_WIDTH = 64;

/** A column of texts is as wide as its first rows need, within these bounds. */
const TEXT_WIDTHS = { least: 96, most: 240, character: 8.2, around: 24 };

/** Room in the header for the arrow and the filter. */
const HEADER_EXTRA = 3;

function widthOf(column: Column, index: number, rows: FeedRow[]): number {
  if (column.references) return REFERENCE_WIDTH;
  const known = WIDTHS[column.kind];
  if (known) return known;
  const { least, most, character, around } = TEXT_WIDTHS;
  const lengths = rows.map(({ values }) => String(values[index] ?? "").length);
  const longest = Math.max(column.name.length + HEADER_EXTRA, ...lengths);
  return Math.round(Math.max(least, Math.min(longest * character + around, most)));
}

/**
 * The order of columns that people begin with. A table whose key they cannot read is a series of events: it begins
 * with its time. Opaque keys come last.
 */
export function defaultOrder(columns: Column[], defaultSort: string[]): string[] {
  const opaque = ({ kind, references }: Column): boolean => kind === "uuid" && !references;
  const eventKey = columns.every(({ key, kind }) => !key || kind === "uuid") || columns.filter(({ key }) => key).length > 1;
  const sorted = defaultSort[0]?.replace(/^-/, "");
  const rank = (column: Column): number => {
    if (opaque(column)) return 2;
    return eventKey && column.name === sorted && column.kind === "timestamp" ? 0 : 1;
  };
  return [...columns].sort((one, other) => rank(one) - rank(other)).map(({ name }) => name);
}

export function useGridTable(columns: Column[], rows: FeedRow[], order: string[]) {
  // The first page decides, so that widths stay while one scrolls.
  const ready = rows.length > 0;
  const defs = useMemo(
    () =>
      helper.columns(
        columns.map((column, index) =>
          helper.accessor((row) => row.values[index] ?? null, {
            id: column.name,
            size: widthOf(column, index, rows),
            minSize: MIN_WIDTH,
          }),
        ),
      ),
    [columns, ready],
  );
  const layout = useMemo(() => {
    return {
      columnOrder: order,
      columnVisibility: Object.fromEntries(columns.map(({ name }) => [name, order.includes(name)])),
    };
  }, [columns, order]);
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
