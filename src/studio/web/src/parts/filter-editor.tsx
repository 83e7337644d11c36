// The editor of one filter: column, operator, value. It opens at the cell's column with the focus in the value.

import { useState } from "preact/hooks";
import type { Column, Operator } from "../api/types";
import { takesNothing, type Filter } from "../state/route";
import { choicesOf, firstOperator, operatorWords } from "./filter-words";
import { Suggestions } from "./suggestions";

interface EditorProps {
  table: string;
  columns: Column[];
  filter: Filter;
  onApply: (filter: Filter) => void;
  onRemove: (() => void) | null;
}

/** What is typed, per operator: one value, two, or one a line. */
function cleaned(operator: Operator, values: string[]): string[] {
  if (takesNothing(operator)) return [];
  if (operator === "in" || operator === "notin") return values.map((value) => value.trim()).filter(Boolean);
  return operator === "between" ? [values[0] ?? "", values[1] ?? ""] : [values[0] ?? ""];
}

export function FilterEditor({ table, columns, filter, onApply, onRemove }: EditorProps) {
  const [draft, setDraft] = useState(filter);
  const column = columns.find(({ name }) => name === draft.column) ?? columns[0]!;
  const set = (part: Partial<Filter>): void => setDraft({ ...draft, ...part });
  const values = cleaned(draft.operator, draft.values);
  const ready = takesNothing(draft.operator) || (values.length > 0 && values.every(Boolean));
  return (
    <form
      class="filter-editor"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) onApply({ ...draft, values });
      }}
    >
      <div class="filter-line">
        <select
          aria-label="Column"
          value={draft.column}
          onChange={(event) => {
            const next = columns.find(({ name }) => name === event.currentTarget.value)!;
            set({ column: next.name, operator: firstOperator(next), values: [] });
          }}
        >
          {columns.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <select
          aria-label="Condition"
          value={draft.operator}
          onChange={(event) => set({ operator: event.currentTarget.value as Operator })}
        >
          {column.operators.map((operator) => (
            <option key={operator} value={operator}>
              {operatorWords(operator, column)}
            </option>
          ))}
        </select>
      </div>
      <ValueFields table={table} column={column} draft={draft} begun={filter} onValues={(next) => set({ values: next })} />
      <div class="buttons">
        <button type="submit" class="button primary" disabled={!ready} data-focus={takesNothing(draft.operator) || undefined}>
          Apply
        </button>
        {onRemove && (
          <button type="button" class="button" onClick={onRemove}>
            Remove
          </button>
        )}
      </div>
    </form>
  );
}

interface FieldsProps {
  table: string;
  column: Column;
  draft: Filter;
  /** The filter before anything was typed: its value is a starting point, not the beginning of another. */
  begun: Filter;
  onValues: (values: string[]) => void;
}

function ValueFields({ table, column, draft, begun, onValues }: FieldsProps) {
  const { operator, values } = draft;
  const prefix = values[0] === begun.values[0] ? "" : (values[0] ?? "");
  if (takesNothing(operator)) return null;
  const choices = choicesOf(column);
  if (choices && ["in", "notin", "is", "not"].includes(operator)) {
    return <Choices choices={choices} many={operator === "in" || operator === "notin"} values={values} onValues={onValues} />;
  }
  if (operator === "in" || operator === "notin") {
    return (
      <label class="field">
        One value a line
        <textarea rows={5} data-focus value={values.join("\n")} onInput={(event) => onValues(event.currentTarget.value.split("\n"))} />
      </label>
    );
  }
  if (operator === "between") {
    return (
      <div class="filter-line">
        <Input label="From" column={column} value={values[0] ?? ""} focus onValue={(from) => onValues([from, values[1] ?? ""])} />
        <Input label="To" column={column} value={values[1] ?? ""} onValue={(to) => onValues([values[0] ?? "", to])} />
      </div>
    );
  }
  return (
    <>
      <Input label={hint(column, operator)} column={column} value={values[0] ?? ""} focus onValue={(value) => onValues([value])} />
      {(operator === "is" || operator === "starts") && (
        <Suggestions table={table} column={column} prefix={prefix} onPick={(value) => onValues([value])} />
      )}
    </>
  );
}

function hint(column: Column, operator: Operator): string {
  if (operator === "ref") return "As on the command line: @pilot123, 107919, DL123";
  return column.kind === "timestamp" ? "2026-11-22, 2026-11-22 18:00, yesterday 18:00" : "Value";
}

interface InputProps {
  label: string;
  column: Column;
  value: string;
  focus?: boolean;
  onValue: (value: string) => void;
}

function Input({ label, column, value, focus = false, onValue }: InputProps) {
  const number = ["integer", "bigint", "decimal", "float"].includes(column.kind);
  return (
    <label class="field">
      {label}
      <input
        type="text"
        autocomplete="off"
        spellcheck={false}
        inputMode={number ? "numeric" : "text"}
        value={value}
        data-focus={focus || undefined}
        onFocus={(event) => event.currentTarget.select()}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
    </label>
  );
}

interface ChoicesProps {
  choices: string[];
  many: boolean;
  values: string[];
  onValues: (values: string[]) => void;
}

function Choices({ choices, many, values, onValues }: ChoicesProps) {
  const toggle = (choice: string, on: boolean): void => {
    if (!many) onValues([choice]);
    else onValues(on ? [...values, choice] : values.filter((value) => value !== choice));
  };
  const first = choices.find((choice) => values.includes(choice)) ?? choices[0];
  return (
    <fieldset class="choices">
      <legend>{many ? "Any number of values" : "Value"}</legend>
      {choices.map((choice) => (
        <label key={choice}>
          <input
            type={many ? "checkbox" : "radio"}
            name="choice"
            checked={values.includes(choice)}
            data-focus={choice === first || undefined}
            onChange={(event) => toggle(choice, event.currentTarget.checked)}
          />
          {choice}
        </label>
      ))}
    </fieldset>
  );
}
