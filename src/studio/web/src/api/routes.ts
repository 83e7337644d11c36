// Every route of the server that the page asks, as a function.

import { get, post, send } from "./http";
import type { Count, Found, Page, Row, Session, Table, Values } from "./types";

/** A view of a table as the server understands it. */
export interface Query {
  table: string;
  filters: string[];
  sort: string[];
  columns: string[] | null;
}

export type Format = "csv" | "json" | "markdown";

function path(...parts: string[]): string {
  return `/api/${parts.map(encodeURIComponent).join("/")}`;
}

function parameters(query: Query, more: Record<string, string>): string {
  const all = new URLSearchParams(query.filters.map((filter) => ["filter", filter]));
  if (query.sort.length) all.set("sort", query.sort.join(","));
  if (query.columns) all.set("columns", query.columns.join(","));
  for (const [name, value] of Object.entries(more)) all.set(name, value);
  return all.toString();
}

export function openSession(code: string): Promise<{ token: string; session: Session }> {
  return post("/api/session", { code });
}

export function readSession(): Promise<Session> {
  return get("/api/session");
}

export function unlockProduction(typed: string): Promise<Session> {
  return post("/api/session/unlock", { typed });
}

export function lockProduction(): Promise<Session> {
  return post("/api/session/lock", {});
}

export async function stopStudio(): Promise<void> {
  await send("POST", "/api/session/stop", {});
}

export async function readTables(): Promise<Table[]> {
  return (await get<{ tables: Table[] }>("/api/tables")).tables;
}

export function readRows(query: Query, more: Record<string, string>, signal: AbortSignal): Promise<Page> {
  return get(`${path("tables", query.table, "rows")}?${parameters(query, more)}`, signal);
}

export function readCount(query: Query, signal?: AbortSignal): Promise<Count> {
  return get(`${path("tables", query.table, "count")}?${parameters({ ...query, sort: [], columns: null }, {})}`, signal);
}

export function readValues(table: string, column: string, prefix: string, signal: AbortSignal): Promise<Values> {
  return get(`${path("tables", table, "values")}?${new URLSearchParams({ column, prefix })}`, signal);
}

export function readRow(table: string, key: string, signal: AbortSignal): Promise<Row> {
  return get(path("tables", table, "rows", key), signal);
}

/** What the rows of a table are called, by the values that refer to them. */
export async function readLabels(table: string, keys: string[]): Promise<Record<string, string>> {
  return (await post<{ labels: Record<string, string> }>("/api/labels", { table, keys })).labels;
}

export async function find(text: string, signal: AbortSignal): Promise<Found[]> {
  return (await get<{ found: Found[] }>(`/api/find?${new URLSearchParams({ q: text })}`, signal)).found;
}

export function exportView(query: Query, format: Format, safe: boolean, signal: AbortSignal): Promise<Response> {
  const { table, filters, sort, columns } = query;
  return send("POST", "/api/export", { table, filter: filters, sort, columns, format, safe, limit: null }, signal);
}
