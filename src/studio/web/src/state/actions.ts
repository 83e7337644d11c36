// What is being done: at most one dialog of an action at a time, and what it needs to be tried, shown and done.

import { signal } from "@preact/signals";
import type { Action, Answer } from "../api/actions";
import { session } from "./session";

export interface Field {
  name: string;
  label: string;
  /** `player`, `flight` and `product` are found while they are typed. */
  kind: "text" | "lines" | "check" | "player" | "players" | "product" | "airline" | "brand" | "flight";
  optional?: boolean;
  hint?: string;
  value?: string;
}

/** The values of the fields; a check is "" or "yes". */
export type Values = Record<string, string>;

export interface Form {
  title: string;
  /** What the button says. */
  verb: string;
  /** Whom it is about, under the title. */
  about?: string;
  /** What it means, for the one who does it seldom. */
  explains?: string;
  fields: Field[];
  action: (values: Values, key: string) => Action;
  /** What is announced when it is done. */
  done: (answer: Answer, values: Values) => string;
  /** Whether it takes away what cannot be had again. */
  loses?: boolean;
  /** Whether what it is about is gone then. */
  removes?: boolean;
  /** Whether its key, or what it is, sees to it that it is done once however often it is asked for. */
  repeatable?: boolean;
  /** Where to go once it is done. */
  then?: () => void;
}

export const form = signal<Form | null>(null);

/** How often something was changed here: what is on the screen is read again. */
export const changes = signal(0);

export function open(next: Form): void {
  form.value = next;
}

export function changed(): void {
  changes.value += 1;
}

/** Whether the page has anything to do at all. */
export function mayAct(): boolean {
  return session.value !== null && !session.value.readOnly;
}

/** A new idempotency key: made when a dialog opens, so that whatever is done there is done once. */
export function freshKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `studio-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
