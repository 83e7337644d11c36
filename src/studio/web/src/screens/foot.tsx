// The line under the grid: what is loaded, out of how many, what it cost.

import { countWords } from "../parts/count";
import { Icon } from "../parts/icon";
import type { Feed } from "../state/feed";
import { readSort } from "../state/route";
import { grouped } from "../text/number";

interface FootProps {
  feed: Feed;
  onRefresh: () => void;
}

/** The column whose lack of an index makes the database read all rows. */
function scanWords(feed: Feed): string | null {
  if (feed.cost.value?.sortedBy !== "scan") return null;
  const first = readSort(feed.sort.value)[0];
  return first ? `No index serves ${first.column}: sorted by reading all rows` : "Sorted by reading all rows";
}

export function Foot({ feed, onRefresh }: FootProps) {
  const { rows, count, cost, loading } = feed;
  const scan = scanWords(feed);
  const loaded = rows.value.length;
  return (
    <footer class="foot">
      <span>
        {grouped(loaded)} loaded{count.value && ` of ${countWords(count.value)}`}
      </span>
      {cost.value && <span>{grouped(cost.value.ms)} ms</span>}
      {scan && <span class="warn">{scan}</span>}
      <span class="foot-space" role="status">
        {loading.value === "more" ? "Loading more…" : ""}
      </span>
      <span class="keys">
        <kbd>f</kbd> filter <kbd>s</kbd> sort <kbd>o</kbd> follow <kbd>]</kbd> panel <kbd>?</kbd> keys
      </span>
      <button type="button" class="button small" onClick={onRefresh}>
        <Icon name="refresh" />
        Refresh
      </button>
    </footer>
  );
}
