// The header of the grid. Its buttons are for the mouse; on the keyboard `s` and `f` do the same at the active cell.

import type { JSX } from "preact";
import type { Column } from "../api/types";
import type { SortKey } from "../state/route";
import { Icon } from "../parts/icon";
import { Text } from "../parts/text";
import { isNumeric } from "../parts/value";
import type { GridTable } from "./model";

interface HeaderProps {
  table: GridTable;
  columns: Map<string, Column>;
  sort: SortKey[];
  onSort: (column: string, more: boolean) => void;
  onFilter: (column: string, anchor: Element) => void;
}

function ariaSort(key: SortKey | undefined): JSX.HTMLAttributes["aria-sort"] {
  if (!key) return "none";
  return key.descending ? "descending" : "ascending";
}

export function Header({ table, columns, sort, onSort, onFilter }: HeaderProps) {
  const shown = table.getVisibleLeafColumns();
  return (
    <div class="grid-head" role="rowgroup">
      <div class="grid-row" role="row" aria-rowindex={1}>
        {shown.map(({ id }, index) => {
          const column = columns.get(id)!;
          const place = sort.findIndex((key) => key.column === id);
          const key = sort[place];
          return (
            <div
              key={id}
              role="columnheader"
              class={isNumeric(column) ? "head numeric" : "head"}
              aria-colindex={index + 1}
              aria-sort={ariaSort(key)}
            >
              <button
                type="button"
                class="head-name"
                tabIndex={-1}
                title={`${id}: ${column.kind}${column.nullable ? ", can be null" : ""}\nClick sorts, Shift-click sorts by this too`}
                onClick={(event) => onSort(id, event.shiftKey)}
              >
                <Text value={id} />
                {key && <Icon name={key.descending ? "down" : "up"} />}
                {key && sort.length > 1 && <span class="head-place">{place + 1}</span>}
              </button>
              {column.operators.length > 0 && (
                <button
                  type="button"
                  class="head-filter"
                  tabIndex={-1}
                  aria-label={`Filter by ${id}`}
                  onClick={(event) => onFilter(id, event.currentTarget.parentElement!)}
                >
                  <Icon name="filter" />
                </button>
              )}
              {index < shown.length - 1 && <Handle table={table} column={id} />}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** Changes a column's width by a drag. On the keyboard `<` and `>` do. */
function Handle({ table, column }: { table: GridTable; column: string }) {
  const drag = (down: JSX.TargetedPointerEvent<HTMLDivElement>): void => {
    const handle = down.currentTarget;
    const width = handle.parentElement!.getBoundingClientRect().width;
    const move = (event: PointerEvent): void => setWidth(table, column, width + event.clientX - down.clientX);
    handle.setPointerCapture(down.pointerId);
    handle.addEventListener("pointermove", move);
    handle.addEventListener("lostpointercapture", () => handle.removeEventListener("pointermove", move), { once: true });
  };
  return <div class="head-handle" onPointerDown={drag} />;
}

/** Sets a column's width in pixels, not below what the model allows. */
export function setWidth(table: GridTable, column: string, width: number): void {
  const least = table.getColumn(column)?.columnDef.minSize ?? 0;
  table.setColumnSizing((sizes) => ({ ...sizes, [column]: Math.max(least, Math.round(width)) }));
}
