// The selected rectangle as tab-separated text, which every spreadsheet pastes back into cells.

import type { Value } from "../api/types";
import type { GridTable } from "./model";

/** A value as text: exact, without grouping or a time zone. NULL is nothing, like an empty cell of a spreadsheet. */
export function plain(value: Value): string {
  if (value === null) return "";
  return typeof value === "object" ? value.cut : String(value);
}

function quoted(text: string): string {
  return /[\t\n\r"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export interface Copied {
  text: string;
  rows: number;
  columns: number;
  /** Whether a text was longer than a list sends, so that only its beginning could be copied. */
  cut: boolean;
}

export function copySelection(table: GridTable): Copied | null {
  const region = table.getSelectedCellRangesData().at(-1) as Value[][] | undefined;
  if (!region?.length) return null;
  return {
    text: region.map((row) => row.map((value) => quoted(plain(value))).join("\t")).join("\n"),
    rows: region.length,
    columns: region[0]!.length,
    cut: region.some((row) => row.some((value) => value !== null && typeof value === "object")),
  };
}
