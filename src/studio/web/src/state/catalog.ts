// What tables there are, and what is known of them before a row is read.

import { computed, effect, signal } from "@preact/signals";
import { ApiError, reachable } from "../api/http";
import { readCount, readTables } from "../api/routes";
import type { Column, Refusal, Table } from "../api/types";
import { defaultOrder } from "../grid/model";
import { status } from "./session";

export const tables = signal<Table[] | null>(null);
export const catalogProblem = signal<Refusal | null>(null);

const byName = computed(() => new Map((tables.value ?? []).map((table) => [table.table, table])));

export function tableNamed(name: string): Table | undefined {
  return byName.value.get(name);
}

export function columnNamed(table: string, column: string): Column | undefined {
  return tableNamed(table)?.columns.find(({ name }) => name === column);
}

/** A column that the server sends and the list of tables does not have: made meanwhile. It is shown as it comes. */
export function columnOrPlain(table: string, name: string): Column {
  return (
    columnNamed(table, name) ?? {
      name,
      kind: "other",
      nullable: true,
      key: false,
      secret: false,
      references: null,
      choices: null,
      operators: [],
    }
  );
}

/** A guess this small is not worth a "~": counting takes no time. */
const WORTH_COUNTING = 100_000;

/** Counts the tables of which the database keeps no number, or only a guess at a small one. */
async function countSmall(listed: Table[]): Promise<void> {
  for (const { table, rows } of listed) {
    if (rows && (!rows.about || rows.n > WORTH_COUNTING)) continue;
    const count = await readCount({ table, filters: [], sort: [], columns: null });
    tables.value = (tables.peek() ?? []).map((known) => (known.table === table ? { ...known, rows: count } : known));
  }
}

export async function loadTables(): Promise<void> {
  try {
    const listed = await readTables();
    tables.value = listed;
    catalogProblem.value = null;
    await countSmall(listed.filter(({ missing }) => !missing?.table));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status !== 401) catalogProblem.value = error.refusal;
  }
}

/** Reads the tables once the session is open, and again whenever the server has been away. */
export function watchCatalog(): void {
  effect(() => {
    if (status.value === "open" && reachable.value) void loadTables();
  });
}

/** The columns of a table that can be shown, in the order that people begin with. */
export function usualOrder(table: Table): string[] {
  return defaultOrder(
    table.columns.filter(({ secret }) => !secret),
    table.defaultSort,
  );
}

/** What people of the alliance call a table. Tables that this page does not know go by the server's noun. */
const TITLES: Record<string, string> = {
  users: "Players",
  airlines: "Airlines",
  brands: "Brands",
  flights: "Flights",
  flightPassengers: "Passengers",
  milesTransactions: "Ledger",
  milesProducts: "Products",
};

export function titleOf(table: string): string {
  return TITLES[table] ?? table;
}

/** What a table holds, in a line. */
const PURPOSES: Record<string, string> = {
  users: "Everyone who flies, with a balance of miles",
  airlines: "The members of the alliance",
  brands: "Names, codes and colours that airlines fly under",
  flights: "Planned, live and flown",
  flightPassengers: "Who was aboard which flight",
  milesTransactions: "Every mile earned and spent",
  milesProducts: "What miles buy",
};

export function purposeOf(table: string): string | null {
  return PURPOSES[table] ?? null;
}

/** How an empty table gets its first rows. */
const FIRST_ROWS: Record<string, string> = {
  users: "skyteam user add 107919 pilot123",
  airlines: "skyteam airline add \"Virgin Atlantic\"",
  brands: "skyteam brand add --help",
  flights: "skyteam flight plan --help",
  flightPassengers: "skyteam flight board --help",
  milesTransactions: "skyteam miles award --help",
  milesProducts: "skyteam product add --help",
};

export function firstRowCommand(table: string): string | null {
  return FIRST_ROWS[table] ?? null;
}
