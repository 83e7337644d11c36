// Statements, what was run, and the diagram.

import { get, post, send } from "./http";
import type { Count, Value } from "./types";

export interface AnswerColumn {
  name: string;
  kind: "number" | "boolean" | "json" | "text";
  secret: boolean;
}

export interface Answer {
  columns: AnswerColumn[];
  rows: Value[][];
  /** Which limit has cut it. */
  truncated: "rows" | "bytes" | null;
  ms: number;
  /** What the server said beside it. */
  notices: string[];
}

export type Explain = "plan" | "analyze";

export interface Entry {
  at: string;
  database: string;
  text: string;
  ms: number;
  /** None where it failed. */
  rows: number | null;
}

export interface Remembered {
  history: Entry[];
  saved: { name: string; text: string }[];
  limits: { rows: number; seconds: number };
}

export function runSql(id: string, text: string, explain: Explain | null, signal: AbortSignal): Promise<Answer> {
  return post("/api/sql", { id, text, explain }, signal);
}

export async function cancelSql(id: string): Promise<void> {
  await send("POST", `/api/sql/${encodeURIComponent(id)}/cancel`, {});
}

export function readRemembered(signal: AbortSignal): Promise<Remembered> {
  return get("/api/sql", signal);
}

export async function forgetSql(): Promise<void> {
  await send("POST", "/api/sql/forget", {});
}

export interface DiagramTable {
  table: string;
  columns: { name: string; kind: string; nullable: boolean; key: boolean; reference: boolean; unique: boolean }[];
  rows: Count | null;
  /** What differs from what the entities ask for. */
  drift: string[];
  missing: boolean;
}

export interface DiagramEdge {
  from: string;
  columns: string[];
  to: string;
  /** Whether it may refer to nothing. */
  optional: boolean;
  /** Whether at most one row refers to the same. */
  unique: boolean;
}

export interface Diagram {
  tables: DiagramTable[];
  edges: DiagramEdge[];
  mermaid: string;
}

export function readDiagram(signal: AbortSignal): Promise<Diagram> {
  return get("/api/diagram", signal);
}
