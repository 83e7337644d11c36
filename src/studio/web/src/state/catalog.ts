// What tables there are, and what is known of them before a row is read.

import { computed, effect, signal } from "@preact/signals";
import { ApiError, reachable } from "../api/http";
import { token } from "../api/token";
import { readCount, readTables } from "../api/routes";
import type { Column, Refusal, Table } from "../api/types";
import { defaultOrder } from "../grid/model";

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

/** Reads the tables as soon as there is a token, and again whenever the server has been away. */
export function watchCatalog(): void {
  effect(() => {
    if (token.value && reachable.value) void loadTables();
  });
}

/** The columns of a table that can be shown, in the order that people begin with. */
export function usualOrder(table: Table): string[] {
  return defaultOrder(
    table.columns.filter(({ secret }) => !secret),
    table.defaultSort,
  );
}

/** How the alliance speaks of a table. */
interface Words {
  title: string;
  /** One row. */
  noun: string;
  /** What it holds, in a line. */
  purpose: string;
  /** The command that makes its first row. */
  firstRow: string;
}

const WORDS: Record<string, Words> = {
  users: {
    title: "Players",
    noun: "player",
    purpose: "Everyone who flies, with a balance of miles",
    firstRow: "skyteam user add --help",
  },
  airlines: {
    title: "Airlines",
    noun: "airline",
    purpose: "The members of the alliance",
    firstRow: "skyteam airline add --help",
  },
  brands: {
    title: "Brands",
    noun: "brand",
    purpose: "Names, codes and colours that airlines fly under",
    firstRow: "skyteam brand add --help",
  },
  flights: {
    title: "Flights",
    noun: "flight",
    purpose: "Planned, live and flown",
    firstRow: "skyteam flight add --help",
  },
  flightPassengers: {
    title: "Passengers",
    noun: "passenger",
    purpose: "Who was aboard which flight",
    firstRow: "skyteam flight board --help",
  },
  milesTransactions: {
    title: "Ledger",
    noun: "entry",
    purpose: "Every mile earned and spent",
    firstRow: "skyteam miles award --help",
  },
  milesProducts: {
    title: "Products",
    noun: "product",
    purpose: "What miles buy",
    firstRow: "skyteam product add --help",
  },
};

/** A table that this page does not know goes by its own name, its rows by the server's noun. */
export function titleOf(table: string): string {
  return WORDS[table]?.title ?? table;
}

export function nounOf(table: string): string {
  return WORDS[table]?.noun ?? tableNamed(table)?.noun ?? table;
}

export function purposeOf(table: string): string | null {
  return WORDS[table]?.purpose ?? null;
}

export function firstRowCommand(table: string): string | null {
  return WORDS[table]?.firstRow ?? null;
}
