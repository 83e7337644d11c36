// Where the page is. Everything that can be linked to is in the address: the table, its filters, sorting and columns,
// the row beside it. The history of the browser is the history of the page.

import { computed, signal } from "@preact/signals";
import type { Operator } from "../api/types";
import { wishFocus } from "./focus";

/** One condition of a view; all of them hold. */
export interface Filter {
  column: string;
  operator: Operator;
  /** None for `null` and its kin, two for `between`, any number for `in`, else one. */
  values: string[];
}

export interface SortKey {
  column: string;
  descending: boolean;
}

export interface TableView {
  screen: "table";
  table: string;
  filters: Filter[];
  sort: SortKey[];
  /** The columns that are shown, in order; null for all. */
  columns: string[] | null;
  /** The key of the row in the panel. */
  peek: string | null;
}

export interface RecordView {
  screen: "record";
  table: string;
  key: string;
}

/** A page of its own for what the alliance speaks of, with what can be done there. */
export interface SubjectView {
  screen: "player" | "flight" | "airline" | "product";
  key: string;
}

/** A page that is there once. */
export type PlaceView = { screen: "home" } | { screen: "sql" } | { screen: "diagram" };

export type Route = PlaceView | TableView | RecordView | SubjectView;

const SUBJECTS: Record<string, SubjectView["screen"]> = {
  players: "player",
  flights: "flight",
  airlines: "airline",
  products: "product",
};

const SUBJECTS_BY_TABLE: Record<string, SubjectView["screen"]> = {
  users: "player",
  flights: "flight",
  airlines: "airline",
  milesProducts: "product",
};

/** Where a row is shown whole: on its subject's page where it has one, else as a record. */
export function rowView(table: string, key: string): Route {
  const screen = SUBJECTS_BY_TABLE[table];
  return screen ? { screen, key: decoded(key) } : { screen: "record", table, key };
}

/** Whether a place is one of the pages that are there once. */
export function isPlace(route: Route): route is PlaceView {
  return route.screen === "home" || route.screen === "sql" || route.screen === "diagram";
}

/** The table that a subject is a row of. */
export function tableOf({ screen }: SubjectView): string {
  return Object.keys(SUBJECTS_BY_TABLE).find((table) => SUBJECTS_BY_TABLE[table] === screen)!;
}

const LISTS: Operator[] = ["in", "notin", "between"];
const BARE: Operator[] = ["empty", "notempty", "null", "notnull"];

export function takesList(operator: Operator): boolean {
  return LISTS.includes(operator);
}

export function takesNothing(operator: Operator): boolean {
  return BARE.includes(operator);
}

/** A filter as the server and the address spell it: `column:operator:value`. */
export function spellFilter({ column, operator, values }: Filter): string {
  if (takesNothing(operator)) return `${column}:${operator}`;
  return `${column}:${operator}:${takesList(operator) ? JSON.stringify(values) : (values[0] ?? "")}`;
}

function readFilter(text: string): Filter | null {
  const parts = /^([^:]+):([a-z]+)(?::([^]*))?$/.exec(text);
  if (!parts) return null;
  const operator = parts[2] as Operator;
  const value = parts[3];
  if (takesNothing(operator)) return { column: parts[1]!, operator, values: [] };
  if (value === undefined) return null;
  if (!takesList(operator)) return { column: parts[1]!, operator, values: [value] };
  try {
    const list: unknown = JSON.parse(value);
    return Array.isArray(list) ? { column: parts[1]!, operator, values: list.map(String) } : null;
  } catch {
    return null;
  }
}

export function spellSort(sort: SortKey[]): string[] {
  return sort.map(({ column, descending }) => (descending ? `-${column}` : column));
}

export function readSort(texts: string[]): SortKey[] {
  return texts.map((text) =>
    text.startsWith("-") ? { column: text.slice(1), descending: true } : { column: text, descending: false },
  );
}

function list(value: string | null): string[] {
  return value ? value.split(",").filter(Boolean) : [];
}

/** Undoes percent-encoding; what is not encoded well is left as it is. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Reads an address. What it does not understand is left out, so that an old link still opens the table. */
function parse(pathname: string, search: string): Route {
  const [first, table] = pathname.split("/").filter(Boolean).map(decoded);
  const query = new URLSearchParams(search);
  const key = query.get("key");
  if (first === "record" && table && key !== null) return { screen: "record", table, key };
  if (first === "sql" || first === "diagram") return { screen: first };
  const subject = SUBJECTS[first ?? ""];
  if (subject && table) return { screen: subject, key: table };
  if (first !== "tables" || !table) return { screen: "home" };
  const columns = list(query.get("columns"));
  return {
    screen: "table",
    table,
    filters: query.getAll("filter").flatMap((text) => readFilter(text) ?? []),
    sort: readSort(list(query.get("sort"))),
    columns: columns.length ? columns : null,
    peek: query.get("peek"),
  };
}

/** The address of a place in the page. */
export function href(route: Route): string {
  if (route.screen === "home") return "/";
  if (route.screen === "sql" || route.screen === "diagram") return `/${route.screen}`;
  if (route.screen === "record") {
    return `/record/${encodeURIComponent(route.table)}?${new URLSearchParams({ key: route.key })}`;
  }
  if (route.screen !== "table") return `/${route.screen}s/${encodeURIComponent(route.key)}`;
  const query = new URLSearchParams(route.filters.map((filter) => ["filter", spellFilter(filter)]));
  if (route.sort.length) query.set("sort", spellSort(route.sort).join(","));
  if (route.columns) query.set("columns", route.columns.join(","));
  if (route.peek !== null) query.set("peek", route.peek);
  const text = query.toString();
  return `/tables/${encodeURIComponent(route.table)}${text ? `?${text}` : ""}`;
}

export const route = signal<Route>(parse(location.pathname, location.search));

let back = false;

/** Whether the browser's history led here, rather than a step forward. */
export function cameBack(): boolean {
  return back;
}

window.addEventListener("popstate", () => {
  back = true;
  wishFocus();
  route.value = parse(location.pathname, location.search);
});

/** Goes to a place; `replace` when it is no step that the back button should undo. */
export function go(to: Route, how: "push" | "replace" = "push"): void {
  const address = href(to);
  if (address === href(route.value)) return;
  if (how === "push") {
    wishFocus();
    back = false;
  }
  history[how === "push" ? "pushState" : "replaceState"](null, "", address);
  route.value = to;
}

/** A whole table without filters, or with one. */
export function tableView(table: string, filters: Filter[] = []): TableView {
  return { screen: "table", table, filters, sort: [], columns: null, peek: null };
}

/** The table on the screen, if one is. */
export const view = computed(() => (route.value.screen === "table" ? route.value : null));

/** Changes the table on the screen: a step that the back button undoes. */
export function change(part: Partial<TableView>, how: "push" | "replace" = "push"): void {
  if (view.value) go({ ...view.value, ...part }, how);
}

/** Goes to an address of this page. */
export function followHref(address: string): void {
  const url = new URL(address, location.origin);
  go(parse(url.pathname, url.search));
}
