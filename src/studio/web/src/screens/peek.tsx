// The panel beside the grid: the row of the active cell.

import { Icon } from "../parts/icon";
import { Link } from "../parts/link";
import { RefusalBox } from "../parts/refusal";
import { Text } from "../parts/text";
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
