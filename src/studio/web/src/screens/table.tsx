// A table: filters above, the grid, what it cost below, the active row beside it.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { planForm } from "../actions/flights";
import { awardForm } from "../actions/miles";
import { UNREACHABLE } from "../api/http";
import type { Column, Table } from "../api/types";
import { type CellTarget, Grid, type GridHandle } from "../grid/grid";
import type { Action } from "../grid/keys";
import { ColumnChooser } from "../parts/column-chooser";
import { countWords } from "../parts/count";
import { ExportForm } from "../parts/export-form";
import { FilterEditor } from "../parts/filter-editor";
import { filterOfCell, firstOperator } from "../parts/filter-words";
import { Icon } from "../parts/icon";
import { Act } from "../parts/page";
import { Popover } from "../parts/popover";
import { RefusalBox } from "../parts/refusal";
import { Text } from "../parts/text";
import { referenceHref } from "../parts/value";
import { changes, type Form, mayAct } from "../state/actions";
import { loadTables, titleOf, usualOrder } from "../state/catalog";
import type { Feed } from "../state/feed";
import { forgetLabels } from "../state/labels";
import { leaveFeed, openFeed } from "../state/recent";
import { change, type Filter, followHref, readSort, type SortKey, spellFilter, spellSort, type TableView } from "../state/route";
import { nextSort, usualSort } from "../state/sorting";
import { keyIsTaken } from "../state/typing";
import { EmptyTable } from "./empty-table";
import { Foot } from "./foot";
import { Peek } from "./peek";
import { Pills } from "./pills";

type Open =
  | { what: "filter"; anchor: Element; filter: Filter; index: number | null }
  | { what: "columns"; anchor: Element }
  | { what: "export"; anchor: Element };

/** The column of the active cell outlives a change of filters or sorting, so that a key can be pressed twice. */
let lastColumn: string | null = null;

function useFeed(view: TableView, wanted: SortKey[]): Feed {
  const filters = view.filters.map(spellFilter);
  const sort = spellSort(wanted);
  const feed = useMemo(
    () => openFeed({ table: view.table, filters, sort, columns: null }),
    [view.table, filters.join("\n"), sort.join()],
  );
  useEffect(() => () => leaveFeed(feed), [feed]);
  return feed;
}

export function TableScreen({ view, table }: { view: TableView; table: Table }) {
  const [open, setOpen] = useState<Open | null>(null);
  const wanted = view.sort.length ? view.sort : usualSort(table);
  const feed = useFeed(view, wanted);
  const grid = useRef<GridHandle>(null);
  const filterable = table.columns.filter(({ operators }) => operators.length > 0);
  const order = useMemo(() => usualOrder(table), [table]);
  const sort = wanted.length ? wanted : readSort(feed.sort.value);

  const close = (): void => {
    setOpen(null);
    grid.current?.focus();
  };
  const refresh = (): void => {
    forgetLabels();
    void loadTables();
    feed.refresh();
  };
  const setSort = (column: string, more: boolean): void => change({ sort: nextSort(sort, column, more, table) });
  const setPeek = (peek: string | null): void => {
    change({ peek }, "replace");
    if (peek === null) grid.current?.focus();
  };
  const editFilter = (column: Column, anchor: Element, filter: Filter | null): void => {
    const begun = filter ?? { column: column.name, operator: firstOperator(column), values: [] };
    if (column.operators.length) setOpen({ what: "filter", anchor, filter: begun, index: null });
  };
  const applyFilter = (filter: Filter, index: number | null): void => {
    const filters = [...view.filters];
    filters.splice(index ?? filters.length, index === null ? 0 : 1, filter);
    close();
    change({ filters });
  };
  const removeFilter = (index: number): void => {
    close();
    change({ filters: view.filters.filter((_, place) => place !== index) });
  };

  const act = (action: Action, cell: CellTarget): void => {
    const address = referenceHref(cell.column, cell.value);
    if (action === "filter") editFilter(cell.column, cell.element, filterOfCell(cell.column, cell.value));
    else if (action === "sort" || action === "sortMore") setSort(cell.column.name, action === "sortMore");
    else if (action === "follow" && address) followHref(address);
    else if (action === "open" || action === "panel") setPeek(cell.key);
    else if (action === "noPanel") setPeek(null);
    else if (action === "refresh") refresh();
  };

  const seen = useRef(changes.value);
  useEffect(() => {
    if (seen.current !== changes.value) refresh();
    seen.current = changes.value;
  }, [changes.value]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === "Escape" && view.peek !== null && !keyIsTaken(event)) setPeek(null);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  });

  // Of a server that is away the banner above everything speaks.
  const problem = feed.problem.value?.code === UNREACHABLE ? null : feed.problem.value;
  const empty = feed.loading.value === null && !feed.problem.value && feed.rows.value.length === 0;
  const count = feed.count.value;
  return (
    <>
      <main class="table" tabIndex={-1}>
        <header class="screen-head">
          <div>
            <h1>{titleOf(view.table)}</h1>
            <p class="quiet">
              <span class="mono">
                <Text value={view.table} />
              </span>
              {count && ` · ${countWords(count)} ${view.filters.length ? "found" : "rows"}`}
            </p>
          </div>
          <div class="buttons">
            <button type="button" class="button" onClick={(event) => setOpen({ what: "columns", anchor: event.currentTarget })}>
              <Icon name="columns" />
              Columns
              {view.columns && <span class="count-mark">{view.columns.length}</span>}
            </button>
            <button type="button" class="button" onClick={(event) => setOpen({ what: "export", anchor: event.currentTarget })}>
              <Icon name="download" />
              Export
            </button>
            {ACTIONS[view.table] && mayAct() && (
              <Act primary form={ACTIONS[view.table]!.form}>
                {ACTIONS[view.table]!.name}
              </Act>
            )}
          </div>
        </header>
        <Pills
          columns={table.columns}
          filters={view.filters}
          onEdit={(index, anchor) => setOpen({ what: "filter", anchor, filter: view.filters[index]!, index })}
          onRemove={removeFilter}
          onAdd={(anchor) => editFilter(filterable[0]!, anchor, null)}
        />
        <div class={feed.loading.value === "first" ? "grid-area loading" : "grid-area"}>
          {problem && (
            <RefusalBox refusal={problem}>
              <button type="button" class="button" onClick={() => feed.again()}>
                Try again
              </button>
              {(view.filters.length > 0 || view.sort.length > 0) && (
                <button type="button" class="button" onClick={() => change({ filters: [], sort: [] })}>
                  Show the whole table
                </button>
              )}
            </RefusalBox>
          )}
          {empty && <EmptyTable table={view.table} filtered={view.filters.length > 0} />}
          <Grid
            key={`${view.table}\n${view.filters.map(spellFilter).join("\n")}\n${spellSort(view.sort).join()}`}
            feed={feed}
            label={titleOf(view.table)}
            order={order}
            shown={view.columns}
            sort={sort}
            peek={view.peek}
            startColumn={feed.place?.column ?? lastColumn}
            handle={grid}
            onAction={act}
            onMove={(cell) => {
              lastColumn = cell.column.name;
              feed.place = { key: cell.key, column: cell.column.name };
              if (view.peek !== null && view.peek !== cell.key) change({ peek: cell.key }, "replace");
            }}
            onSort={setSort}
            onFilter={(name, anchor) => editFilter(table.columns.find((column) => column.name === name)!, anchor, null)}
          />
        </div>
        <Foot feed={feed} onRefresh={refresh} />
        {open && (
          <Popover key={`${open.what} ${"index" in open ? open.index : ""}`} anchor={open.anchor} label={TITLES[open.what]} onClose={close}>
            {open.what === "filter" && (
              <FilterEditor
                table={view.table}
                columns={filterable}
                filter={open.filter}
                onApply={(filter) => applyFilter(filter, open.index)}
                onRemove={open.index === null ? null : () => removeFilter(open.index!)}
              />
            )}
            {open.what === "columns" && (
              <ColumnChooser columns={table.columns} order={order} shown={view.columns} onChange={(columns) => change({ columns }, "replace")} />
            )}
            {open.what === "export" && (
              <ExportForm query={{ ...feed.query, columns: view.columns ?? order }} onDone={close} />
            )}
          </Popover>
        )}
      </main>
      {view.peek !== null && <Peek table={view.table} rowKey={view.peek} onClose={() => setPeek(null)} />}
    </>
  );
}

/** What is done most often where a table is looked at. */
const ACTIONS: Record<string, { name: string; form: () => Form }> = {
  users: { name: "Award miles…", form: () => awardForm(null) },
  milesTransactions: { name: "Award miles…", form: () => awardForm(null) },
  flights: { name: "Plan a flight…", form: () => planForm(null) },
};

const TITLES = { filter: "Filter", columns: "Columns", export: "Export" };
