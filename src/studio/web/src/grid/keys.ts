// What keys do in the grid. Movement is decided here; everything else is an action of the screen around it.

import type { Place } from "./cursor";

/** What a key asks of the screen that shows the grid. */
export type Action = "filter" | "sort" | "sortMore" | "follow" | "open" | "panel" | "noPanel" | "wider" | "narrower" | "all" | "refresh";

export interface Extent {
  rows: number;
  columns: number;
  /** Rows that a page key moves by. */
  page: number;
}

export type Command =
  | { kind: "move"; to: Place; extend: boolean }
  /** To the first or last row of the whole view, which may not be loaded. */
  | { kind: "edge"; end: "start" | "end"; extend: boolean }
  | { kind: "act"; action: Action };

const ACTIONS: Record<string, Action> = {
  f: "filter",
  s: "sort",
  S: "sortMore",
  o: "follow",
  Enter: "open",
  " ": "open",
  "]": "panel",
  "[": "noPanel",
  ">": "wider",
  "<": "narrower",
  r: "refresh",
};

function target(key: string, ctrl: boolean, at: Place, extent: Extent): Place | null {
  const { row, column } = at;
  const lastRow = extent.rows - 1;
  const lastColumn = extent.columns - 1;
  switch (key) {
    case "ArrowUp":
      return { row: ctrl ? 0 : row - 1, column };
    case "ArrowDown":
      return { row: ctrl ? lastRow : row + 1, column };
    case "ArrowLeft":
      return { row, column: ctrl ? 0 : column - 1 };
    case "ArrowRight":
      return { row, column: ctrl ? lastColumn : column + 1 };
    case "PageUp":
      return { row: row - extent.page, column };
    case "PageDown":
      return { row: row + extent.page, column };
    case "Home":
      return { row, column: 0 };
    case "End":
      return { row, column: lastColumn };
    default:
      return null;
  }
}

/** The command of a key, or null when the grid has no use for it. */
export function commandOf(event: KeyboardEvent, at: Place, extent: Extent): Command | null {
  if (event.altKey) return null;
  const ctrl = event.ctrlKey || event.metaKey;
  if (ctrl && (event.key === "Home" || event.key === "End")) {
    return { kind: "edge", end: event.key === "Home" ? "start" : "end", extend: event.shiftKey };
  }
  const to = target(event.key, ctrl, at, extent);
  if (to) return { kind: "move", to, extend: event.shiftKey };
  if (ctrl) return event.key === "a" ? { kind: "act", action: "all" } : null;
  const action = ACTIONS[event.key];
  return action ? { kind: "act", action } : null;
}
