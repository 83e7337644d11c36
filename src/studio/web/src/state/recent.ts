// The views that were on the screen last, with their rows and the active cell: going back finds them as they were
// left, not at the first row again.

import type { Query } from "../api/routes";
import { Feed } from "./feed";
import { cameBack } from "./route";

const KEPT = 5;

/** By query, the oldest first. */
const kept = new Map<string, Feed>();

/** The rows of a view: as they were left when the person comes back to it, else read anew. */
export function openFeed(query: Query): Feed {
  const name = JSON.stringify(query);
  const known = kept.get(name);
  kept.delete(name);
  if (known && cameBack()) return known;
  known?.close();
  return new Feed(query);
}

/** Keeps a view that leaves the screen, and gives up the one that left it longest ago. */
export function leaveFeed(feed: Feed): void {
  const name = JSON.stringify(feed.query);
  kept.get(name)?.close();
  kept.delete(name);
  kept.set(name, feed);
  if (kept.size <= KEPT) return;
  const [oldest, forgotten] = kept.entries().next().value!;
  kept.delete(oldest);
  forgotten.close();
}
