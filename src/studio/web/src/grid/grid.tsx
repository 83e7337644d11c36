// The grid: a header, the rows in sight, the active cell and its rectangle. It holds the focus itself and names the
// active cell (aria-activedescendant), because a cell that scrolls away leaves the document.

import { useSignalEffect } from "@preact/signals";
import { useEffect, useImperativeHandle, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { Ref } from "preact";
import type { Column, Value } from "../api/types";
import { announce } from "../parts/live";
import { visible } from "../text/visible";
import type { Feed } from "../state/feed";
import { takeFocus } from "../state/focus";
import type { SortKey } from "../state/route";
import { copySelection } from "./clipboard";
import { moveTo, placeOf } from "./cursor";
import { Header, setWidth } from "./header";
import { type Action, commandOf } from "./keys";
import { useGridTable } from "./model";
import { ACTIVE_ID, GridRow } from "./row";
import { useVirtualRows } from "./virtual";

const ROW_REM = 1.75;
const WIDTH_STEP = 24;
/** Rows from the end at which the next page is asked for. */
const AHEAD = 40;

/** The cell that an action is about. */
export interface CellTarget {
  key: string;
  column: Column;
  value: Value;
  element: Element;
}

export interface GridHandle {
  focus: () => void;
}

/** What the grid needs of the rows that it shows. */
export type GridFeed = Pick<
  Feed,
  "columns" | "rows" | "loading" | "count" | "prepended" | "place" | "atStart" | "more" | "toStart" | "toEnd"
>;

interface GridProps {
  feed: GridFeed;
  label: string;
  /** All columns in their usual order, and those that are shown instead. */
  order: string[];
  shown: string[] | null;
  sort: SortKey[];
  peek: string | null;
  /** The column where the active cell begins, from the last view of the same table. */
  startColumn: string | null;
  handle: Ref<GridHandle>;
  onAction: (action: Action, cell: CellTarget) => void;
  onMove: (cell: Omit<CellTarget, "element">) => void;
  onSort: (column: string, more: boolean) => void;
  onFilter: (column: string, anchor: Element) => void;
}

export function Grid(props: GridProps) {
  const { feed, shown } = props;
  const columns = feed.columns.value;
  const rows = feed.rows.value;
  const byName = useMemo(() => new Map(columns.map((column) => [column.name, column])), [columns]);
  const table = useGridTable(columns, rows, shown ?? props.order);
  const scroller = useRef<HTMLDivElement>(null);
  const rowHeight = Math.round(ROW_REM * parseFloat(getComputedStyle(document.documentElement).fontSize));
  const virtualizer = useVirtualRows({ scroller, count: rows.length, rowHeight });
  const items = virtualizer.getVirtualItems();
  const place = placeOf(table);
  const activeRow = place ? rows[place.row]!.key : null;
  const activeColumn = place ? table.getVisibleLeafColumns()[place.column]!.id : null;

  useImperativeHandle(props.handle, () => ({ focus: () => scroller.current?.focus({ preventScroll: true }) }), []);

  // After a step to this view the keys go on here: where they were, at the row in the panel, or at the first.
  const ready = rows.length > 0;
  useLayoutEffect(() => {
    if (takeFocus()) scroller.current?.focus({ preventScroll: true });
  }, []);
  useLayoutEffect(() => {
    if (!ready || placeOf(table)) return;
    const column = table.getVisibleLeafColumns().findIndex(({ id }) => id === props.startColumn);
    const row = rows.findIndex(({ key }) => key === (feed.place?.key ?? props.peek));
    moveTo(table, { row: Math.max(0, row), column: Math.max(0, column) }, false);
  }, [ready]);

  useEffect(() => {
    const first = items[0]?.index ?? 0;
    const last = items.at(-1)?.index ?? 0;
    if (rows.length && last >= rows.length - AHEAD) void feed.more("after");
    else if (rows.length && first <= AHEAD && !feed.atStart) void feed.more("before");
  });

  // Rows that come before the others push these down; the place on the screen stays.
  useSignalEffect(() => {
    const added = feed.prepended.value;
    if (added && scroller.current) scroller.current.scrollTop += added * rowHeight;
    feed.prepended.value = 0;
  });

  useLayoutEffect(() => {
    if (!place) return;
    virtualizer.scrollToIndex(place.row);
    const row = rows[place.row]!;
    const column = byName.get(activeColumn!)!;
    props.onMove({ key: row.key, column, value: row.values[columns.indexOf(column)] ?? null });
  }, [activeRow, activeColumn]);

  useLayoutEffect(() => {
    scroller.current?.querySelector(`#${ACTIVE_ID}`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [activeColumn]);

  const target = (): CellTarget | null => {
    const element = scroller.current?.querySelector(`#${ACTIVE_ID}`);
    if (!place || !element) return null;
    const row = rows[place.row]!;
    const column = byName.get(activeColumn!)!;
    return { key: row.key, column, value: row.values[columns.indexOf(column)] ?? null, element };
  };

  const act = (action: Action): void => {
    const cell = target();
    if (action === "all") table.selectAllCells();
    else if (action === "wider" || action === "narrower") {
      const width = activeColumn ? table.getColumn(activeColumn)!.getSize() : 0;
      if (activeColumn) setWidth(table, activeColumn, width + (action === "wider" ? WIDTH_STEP : -WIDTH_STEP));
    } else if (cell) props.onAction(action, cell);
  };

  const toEdge = async (end: "start" | "end", extend: boolean): Promise<void> => {
    await (end === "start" ? feed.toStart() : feed.toEnd());
    const row = end === "start" ? 0 : feed.rows.peek().length - 1;
    requestAnimationFrame(() => moveTo(table, { row, column: end === "start" ? 0 : columns.length }, extend));
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 2);
    const extent = { rows: rows.length, columns: table.getVisibleLeafColumns().length, page };
    const command = commandOf(event, place ?? { row: 0, column: 0 }, extent);
    if (!command) return;
    event.preventDefault();
    if (command.kind === "move") moveTo(table, command.to, command.extend);
    else if (command.kind === "edge") void toEdge(command.end, command.extend);
    else act(command.action);
  };

  const onCopy = (event: ClipboardEvent): void => {
    const copied = copySelection(table);
    if (!copied || !event.clipboardData) return;
    event.clipboardData.setData("text/plain", copied.text);
    event.preventDefault();
    const cut = copied.cut ? " Long texts were cut: the export has them whole." : "";
    announce(`Copied ${copied.rows} × ${copied.columns} cells.${cut}`);
  };

  const widths = table.getVisibleLeafColumns().map((column, index, all) => {
    const width = column.getSize();
    return index === all.length - 1 ? `minmax(${width}px, 1fr)` : `${width}px`;
  });
  return (
    <div
      ref={scroller}
      class="grid"
      role="grid"
      tabIndex={0}
      aria-label={visible(props.label)}
      aria-multiselectable="true"
      aria-rowcount={feed.count.value?.exact ? feed.count.value.n + 1 : -1}
      aria-colcount={widths.length}
      aria-activedescendant={place ? ACTIVE_ID : undefined}
      aria-busy={feed.loading.value !== null}
      style={{ "--columns": widths.join(" "), "--row": `${rowHeight}px` }}
      onKeyDown={onKeyDown}
      onCopy={onCopy}
      onDblClick={() => act("open")}
    >
      <Header table={table} columns={byName} sort={props.sort} onSort={props.onSort} onFilter={props.onFilter} />
      <div class="grid-body" role="rowgroup" style={{ height: `${rows.length * rowHeight}px` }}>
        {items.map((item) => {
          const row = table.getRowModel().rows[item.index];
          if (!row) return null;
          return (
            <GridRow
              key={row.id}
              row={row}
              columns={byName}
              active={row.id === activeRow ? activeColumn : null}
              top={item.start - rowHeight}
              height={rowHeight}
              number={feed.atStart ? item.index + 1 : undefined}
              peeked={row.id === props.peek}
            />
          );
        })}
      </div>
    </div>
  );
}
