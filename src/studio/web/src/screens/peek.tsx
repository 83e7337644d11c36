// The panel beside the grid: the row of the active cell.

import { awardForm, redeemForm, reverseForm, spendForm, type Who } from "../actions/miles";
import type { Row } from "../api/types";
import { Icon } from "../parts/icon";
import { Link } from "../parts/link";
import { Act } from "../parts/page";
import { RefusalBox } from "../parts/refusal";
import { Text } from "../parts/text";
import { mayAct } from "../state/actions";
import { nounOf, titleOf } from "../state/catalog";
import { href, rowView } from "../state/route";
import { initials } from "../text/visible";
import { Fields, Relations, titleOfRow, useRow } from "./row-facts";

interface PeekProps {
  table: string;
  rowKey: string;
  onClose: () => void;
}

export function Peek({ table, rowKey, onClose }: PeekProps) {
  const { value: row, problem } = useRow(table, rowKey);
  const letters = initials(row?.label ?? "");
  return (
    <aside class="peek" aria-label="Row">
      <header class="peek-head">
        {table === "users" && letters && (
          <span class="avatar" aria-hidden="true">
            {letters}
          </span>
        )}
        <div class="peek-title">
          <h2>
            <Text value={titleOfRow(table, rowKey, row)} title />
          </h2>
          <p class="quiet">{titleOf(table)}</p>
        </div>
        <button type="button" class="icon-button" aria-label="Close the panel (Esc)" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {problem && <RefusalBox refusal={problem} />}
      {row && (
        <>
          <RowActions table={table} row={row} />
          <Relations table={table} row={row} />
          <Fields table={table} row={row} copies={false} />
          <Link class="button" href={href(rowView(table, rowKey))}>
            Open {nounOf(table)}
          </Link>
        </>
      )}
    </aside>
  );
}

/** The player whom a row is about. */
function playerOf(table: string, row: Row): Who | null {
  const value = (name: string): string => String(row.row[row.columns.indexOf(name)] ?? "");
  if (table === "users") return { userId: value("userId"), username: row.label ?? value("userId") };
  const player = row.references.find((reference) => reference.table === "users");
  return player ? { userId: value(player.column), username: player.label ?? value(player.column) } : null;
}

/** What can be done about a row without leaving the table. */
function RowActions({ table, row }: { table: string; row: Row }) {
  const who = playerOf(table, row);
  if (!who || !mayAct()) return null;
  const value = (name: string) => row.row[row.columns.indexOf(name)] ?? null;
  const batch = value("batchId");
  return (
    <div class="actions">
      <Act primary form={() => awardForm(who)}>
        Award…
      </Act>
      <Act form={() => spendForm(who)}>Spend…</Act>
      <Act form={() => redeemForm(who, null)}>Redeem…</Act>
      {table === "milesTransactions" && value("reversesId") === null && (
        <Act form={() => reverseForm({ id: String(value("id")), amount: Number(value("amount")), batchId: batch === null ? null : String(batch) }, who)}>
          Reverse…
        </Act>
      )}
    </div>
  );
}
