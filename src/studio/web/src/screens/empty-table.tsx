// Shown in place of rows: why there are none, and what to do.

import { Command } from "../parts/refusal";
import { firstRowCommand } from "../state/catalog";
import { change } from "../state/route";

export function EmptyTable({ table, filtered }: { table: string; filtered: boolean }) {
  if (filtered) {
    return (
      <section class="empty">
        <h2>No row fits these filters.</h2>
        <button type="button" class="button" onClick={() => change({ filters: [] })}>
          Remove all filters
        </button>
      </section>
    );
  }
  const command = firstRowCommand(table);
  return (
    <section class="empty">
      <h2>This table is empty.</h2>
      {command && (
        <>
          <p>Its first row comes from the command line:</p>
          <Command text={command} />
          <p class="quiet">Or fill a database for trials with made-up data:</p>
          <Command text="skyteam db seed" />
        </>
      )}
    </section>
  );
}
