// The filters of the view, each a pill that opens its editor and a button that takes it away.

import type { Column } from "../api/types";
import { labelOf } from "../state/labels";
import type { Filter } from "../state/route";
import { operatorWords, valuesWords } from "../parts/filter-words";
import { Icon } from "../parts/icon";
import { Text } from "../parts/text";

interface PillsProps {
  columns: Column[];
  filters: Filter[];
  onEdit: (index: number, anchor: Element) => void;
  onRemove: (index: number) => void;
  onAdd: (anchor: Element) => void;
}

export function Pills({ columns, filters, onEdit, onRemove, onAdd }: PillsProps) {
  return (
    <div class="pills" role="group" aria-label="Filters">
      {filters.map((filter, index) => {
        const column = columns.find(({ name }) => name === filter.column);
        return (
          <span key={`${filter.column}:${filter.operator}:${index}`} class="pill">
            <button type="button" class="pill-body" onClick={(event) => onEdit(index, event.currentTarget)}>
              <Text value={filter.column} /> {operatorWords(filter.operator, column)}{" "}
              <strong>
                <Text value={pillValue(filter, column)} />
              </strong>
            </button>
            <button type="button" class="pill-remove" aria-label={`Remove the filter on ${filter.column}`} onClick={() => onRemove(index)}>
              <Icon name="close" />
            </button>
          </span>
        );
      })}
      <button type="button" class="pill-add" onClick={(event) => onAdd(event.currentTarget)}>
        <Icon name="plus" />
        Filter
      </button>
    </div>
  );
}

/** A reference reads by its name, as in the cells. */
function pillValue(filter: Filter, column: Column | undefined): string {
  const value = valuesWords(filter);
  if (filter.operator !== "is" || !column?.references) return value;
  return labelOf(column.references.table, value) ?? value;
}
