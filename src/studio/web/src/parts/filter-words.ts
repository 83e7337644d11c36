// Filters in words, and what a filter begins as.

import type { Column, Operator, Value } from "../api/types";
import { nounOf } from "../state/catalog";
import { takesList, takesNothing, type Filter } from "../state/route";

const WORDS: Record<Operator, string> = {
  is: "is",
  not: "is not",
  lt: "less than",
  le: "at most",
  gt: "more than",
  ge: "at least",
  between: "between",
  in: "is any of",
  notin: "is none of",
  contains: "contains",
  starts: "starts with",
  empty: "is empty text",
  notempty: "has text",
  null: "is null",
  notnull: "is not null",
  ref: "is",
};

const TIME_WORDS: Partial<Record<Operator, string>> = { lt: "before", le: "until", gt: "after", ge: "since" };

const TIMES = ["timestamp", "date", "time"];

export function operatorWords(operator: Operator, column: Column | undefined): string {
  if (operator === "ref") return column?.references ? `is the ${nounOf(column.references.table)}` : "is";
  const time = column && TIMES.includes(column.kind) ? TIME_WORDS[operator] : undefined;
  return time ?? WORDS[operator];
}

/** The values of a filter as one text. */
export function valuesWords({ operator, values }: Filter): string {
  if (takesNothing(operator)) return "";
  if (operator === "between") return values.join(" and ");
  return takesList(operator) ? values.join(", ") : (values[0] ?? "");
}

const PREFERRED: Operator[] = ["ref", "contains", "ge", "is"];

/** What is most often asked of a column. */
export function firstOperator(column: Column): Operator {
  if (column.choices || column.kind === "boolean") return column.operators.includes("in") ? "in" : "is";
  if (column.kind === "uuid" && !column.references) return "is";
  return PREFERRED.find((operator) => column.operators.includes(operator)) ?? column.operators[0] ?? "is";
}

/** The filter that a cell suggests: rows like this one. */
export function filterOfCell(column: Column, value: Value): Filter {
  if (value === null) return { column: column.name, operator: "null", values: [] };
  if (value === "") return { column: column.name, operator: "empty", values: [] };
  if (typeof value === "object") return { column: column.name, operator: "starts", values: [value.cut.slice(0, 100)] };
  const operator = column.choices && column.operators.includes("in") ? "in" : "is";
  return { column: column.name, operator, values: [String(value)] };
}

/** The menu of a column whose values are known, or null. */
export function choicesOf(column: Column): string[] | null {
  return column.choices ?? (column.kind === "boolean" ? ["true", "false"] : null);
}
