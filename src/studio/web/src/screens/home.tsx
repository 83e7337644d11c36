// The first screen: what there is to look at.

import type { Table } from "../api/types";
import { countWords } from "../parts/count";
import { Link } from "../parts/link";
import { Command } from "../parts/refusal";
import { Text } from "../parts/text";
import { purposeOf, tables, titleOf } from "../state/catalog";
import { useFocus } from "../state/hooks";
import { href, tableView } from "../state/route";
import { session } from "../state/session";
import { visible } from "../text/visible";
import { Overview } from "./overview";

/** What the live database lacks, in words; null when nothing. */
export function missingWords({ missing }: Table): string | null {
  if (missing?.table) return "not in this database";
  if (missing?.columns?.length) return `without ${missing.columns.join(", ")}`;
  return null;
}

export function HomeScreen() {
  const all = tables.value ?? [];
  const lacking = all.some((table) => missingWords(table));
  return (
    <main class="home" tabIndex={-1} ref={useFocus()}>
      <header class="screen-head">
        <div>
          <h1>Overview</h1>
          <p class="quiet">
            {session.value?.target.engine === "sqlite" ? "SQLite" : "PostgreSQL"}
            {session.value?.readOnly ? ", read only" : session.value && <> · you act as {visible(session.value.actor)}</>}
          </p>
        </div>
      </header>
      <div class="home-body" tabIndex={0} role="region" aria-label="Overview">
        {lacking && (
          <section class="refusal" role="alert">
            <h2>The database is behind this program.</h2>
            <p>What is missing is marked below. This shows what would be added, and adds nothing:</p>
            <Command text="skyteam db diff" />
          </section>
        )}
        {!lacking && <Overview />}
        <h2 class="tables-head">Tables</h2>
        <ul class="tables">
          {all.map((table) => (
            <li key={table.table}>
              <Link class="table-card" href={href(tableView(table.table))}>
                <span class="table-title">{titleOf(table.table)}</span>
                <span class="number">{table.rows ? countWords(table.rows) : ""}</span>
                <span class="table-purpose">{purposeOf(table.table)}</span>
                <span class="quiet mono">
                  <Text value={table.table} />
                </span>
                <span class={missingWords(table) ? "warn" : "quiet number"}>{missingWords(table) ?? `${table.columns.length} columns`}</span>
              </Link>
            </li>
          ))}
        </ul>
      </div>
    </main>
  );
}
