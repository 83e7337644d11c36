// One row of the grid, drawn only while it is in sight.

import type { JSX } from "preact";
import type { Column, Value } from "../api/types";
import { isNumeric, Shown } from "../parts/value";
import type { GridTable } from "./model";

interface RowProps {
  row: ReturnType<GridTable["getRowModel"]>["rows"][number];
  columns: Map<string, Column>;
  /** The column of the active cell, when it is in this row. */
  active: string | null;
  top: number;
  height: number;
  /** Its place in the view, counted from one, where that is known. */
  number: number | undefined;
  peeked: boolean;
}

export const ACTIVE_ID = "active-cell";

function cellClass(column: Column, active: boolean, selected: boolean): string {
  const classes = ["cell"];
  if (isNumeric(column)) classes.push("numeric");
  if (selected) classes.push("selected");
  if (active) classes.push("active");
  return classes.join(" ");
}

export function GridRow({ row, columns, active, top, height, number, peeked }: RowProps) {
  const classes = ["grid-row", active ? "current" : "", peeked ? "peeked" : ""].filter(Boolean).join(" ");
  return (
    <div
      role="row"
      class={classes}
      aria-rowindex={number === undefined ? undefined : number + 1}
      style={{ transform: `translateY(${top}px)`, height: `${height}px` }}
    >
      {row.getVisibleCells().map((cell, index) => {
        const column = columns.get(cell.column.id)!;
        const isActive = active === column.name;
        const selected = cell.getIsSelected();
        const start = cell.getSelectionStartHandler();
        // The model knows clicks of the first button only by what is passed to it.
        const down = (event: JSX.TargetedMouseEvent<HTMLDivElement>): void => {
          if (event.button === 0) start(event);
        };
        return (
          <div
            key={column.name}
            id={isActive ? ACTIVE_ID : undefined}
            role="gridcell"
            class={cellClass(column, isActive, selected)}
            aria-colindex={index + 1}
            aria-selected={selected}
            onMouseDown={down}
            onMouseEnter={cell.getSelectionExtendHandler()}
          >
            <Shown column={column} value={cell.getValue() as Value} short />
          </div>
        );
      })}
    </div>
  );
}
