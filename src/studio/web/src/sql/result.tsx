// The rows of an answer, in the grid of the tables, and as a file.

import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Answer, AnswerColumn } from "../api/sql";
import type { Column, Kind, Value } from "../api/types";
import { Grid, type GridFeed } from "../grid/grid";
import { save } from "../parts/save";

const KINDS: Record<AnswerColumn["kind"], Kind> = { number: "decimal", boolean: "boolean", json: "json", text: "text" };

/** Columns by names of their own: a statement may call two of them the same. */
function columnsOf(columns: AnswerColumn[]): Column[] {
  const seen = new Map<string, number>();
  return columns.map(({ name, kind, secret }) => {
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    const own = times > 1 ? `${name} (${times})` : name || "?";
    return { name: own, kind: KINDS[kind], nullable: true, key: false, secret, references: null, choices: null, operators: [] };
  });
}

export function feedOf(answer: Answer): GridFeed {
  return {
    columns: signal(columnsOf(answer.columns)),
    rows: signal(answer.rows.map((values, index) => ({ key: String(index), values }))),
    loading: signal(null),
    count: signal({ n: answer.rows.length, exact: true }),
    prepended: signal(0),
    place: null,
    atStart: true,
    more: async () => {},
    toStart: async () => {},
    toEnd: async () => {},
  };
}

export function Result({ answer }: { answer: Answer }) {
  const feed = useMemo(() => feedOf(answer), [answer]);
  const nothing = (): void => {};
  const order = useMemo(() => feed.columns.value.map(({ name }) => name), [feed]);
  return (
    <div class="grid-area">
      <Grid
        feed={feed}
        label="Answer"
        order={order}
        shown={null}
        sort={[]}
        peek={null}
        startColumn={null}
        handle={null}
        onAction={nothing}
        onMove={nothing}
        onSort={nothing}
        onFilter={nothing}
      />
    </div>
  );
}

const plain = (value: Value): string => (value === null ? "" : typeof value === "object" ? value.cut : String(value));

/** A text that a spreadsheet would run gets a ' before it, as the command line writes it. */
function defused(text: string): string {
  return /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function saveCsv(answer: Answer): void {
  const lines = [answer.columns.map(({ name }) => name), ...answer.rows.map((row) => row.map(plain))];
  const csv = lines.map((line) => line.map((text) => quoted(defused(text))).join(",")).join("\r\n");
  save(new Blob([csv, "\r\n"], { type: "text/csv" }), "answer.csv");
}

export function saveJson(answer: Answer): void {
  const columns = columnsOf(answer.columns);
  const rows = answer.rows.map((row) => Object.fromEntries(row.map((value, index) => [columns[index]!.name, value])));
  save(new Blob([JSON.stringify(rows, null, 1)], { type: "application/json" }), "answer.json");
}
