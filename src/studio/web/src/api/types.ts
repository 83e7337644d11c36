// The shapes that the server answers with (src/studio).

/** The value of a cell. Only `integer` columns are numbers; `bigint` and `decimal` are strings, so that no digit is lost. */
export type Value = string | number | boolean | null | Cut;

/** The beginning of a text that is too long for a list. */
export interface Cut {
  cut: string;
}

export type TargetKind = "local" | "remote" | "staging" | "production";

export interface Session {
  target: {
    engine: "postgres" | "sqlite";
    database: string;
    host: string | null;
    port: number | null;
    role: string | null;
    kind: TargetKind;
  };
  superuser: boolean;
  tz: string;
  now: string;
  idleSeconds: number;
  /** Whether nothing is written at all. */
  readOnly: boolean;
  /** Whether the database's name must be typed before anything is written. */
  locked: boolean;
  unlockedSeconds: number | null;
  actor: string;
  version: string;
}

export type Kind =
  | "integer"
  | "bigint"
  | "decimal"
  | "float"
  | "boolean"
  | "timestamp"
  | "date"
  | "time"
  | "uuid"
  | "text"
  | "enum"
  | "json"
  | "bytes"
  | "list"
  | "other";

export type Operator =
  | "is"
  | "not"
  | "lt"
  | "le"
  | "gt"
  | "ge"
  | "between"
  | "in"
  | "notin"
  | "contains"
  | "starts"
  | "empty"
  | "notempty"
  | "null"
  | "notnull"
  | "ref";

export interface Column {
  name: string;
  kind: Kind;
  nullable: boolean;
  key: boolean;
  secret: boolean;
  references: { table: string; column: string } | null;
  choices: string[] | null;
  operators: Operator[];
}

/** Another table's column that refers to this table. */
export interface Relation {
  table: string;
  column: string;
}

/** A number of rows and how far it can be trusted. */
export interface Count {
  n: number;
  exact?: boolean;
  atLeast?: boolean;
  about?: boolean;
}

export interface Table {
  table: string;
  noun: string;
  key: string[];
  rows: Count | null;
  columns: Column[];
  defaultSort: string[];
  relations: (Relation & { to: string })[];
  /** What the program expects and the live database lacks. */
  missing: { table?: boolean; columns?: string[] } | null;
}

export interface Page {
  columns: string[];
  rows: Value[][];
  keys: string[];
  sort: string[];
  next: string | null;
  previous: string | null;
  sortedBy: "index" | "scan";
  ms: number;
}

export interface Values {
  values: { value: string | null; count: number }[];
  more: boolean;
  sampled: boolean;
}

export interface Row {
  key: string;
  columns: string[];
  row: Value[];
  label: string | null;
  references: { column: string; table: string; key: string; label: string | null }[];
  relations: (Relation & { count: Count })[];
}

export interface Found {
  kind: string;
  table: string;
  key: string;
  label: string;
  hint: string | null;
}

/** The error values of the command line, word for word. */
export interface Refusal {
  code: string;
  message: string;
  why: string | null;
  fix: string | null;
  retryable: boolean;
}
