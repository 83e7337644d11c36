// The rows of one view, page by page: each page begins where the last one ended, by key, so the ten-thousandth page is
// as quick as the first. A feed starts at the first row or, after a jump to the end, at the last page.

import { batch, effect, signal } from "@preact/signals";
import { ApiError, isAbort, reachable } from "../api/http";
import { token } from "../api/token";
import { type Query, readCount, readRows } from "../api/routes";
import type { Column, Count, Page, Refusal, Value } from "../api/types";
import { columnOrPlain, tableNamed } from "./catalog";
import { wantLabels } from "./labels";

/** The first page is small, to be there at once; the next ones come before they are needed. */
const FIRST_PAGE = 100;
const NEXT_PAGE = 250;
const RETRY_MS = 3_000;

export interface FeedRow {
  key: string;
  values: Value[];
}

export class Feed {
  readonly columns = signal<Column[]>([]);
  readonly rows = signal<FeedRow[]>([]);
  readonly loading = signal<"first" | "more" | null>("first");
  readonly problem = signal<Refusal | null>(null);
  readonly count = signal<Count | null>(null);
  /** What the last page cost the server, and how it found its rows. */
  readonly cost = signal<Pick<Page, "ms" | "sortedBy"> | null>(null);
  /** The sorting that the server used, the key at its end included. */
  readonly sort = signal<string[]>([]);
  /** Rows that the last page put before the others, so that the grid can keep its place. */
  readonly prepended = signal(0);

  /** The active cell when the grid last moved. */
  place: { key: string; column: string } | null = null;

  private next: string | null = null;
  private previous: string | null = null;
  private readonly keys = new Set<string>();
  private readonly stopper = new AbortController();
  private readonly unwatch: () => void;
  private retry: (() => void) | null = null;

  constructor(readonly query: Query) {
    this.columns.value = tableNamed(query.table)?.columns.filter(({ secret }) => !secret) ?? [];
    void this.start({});
    void this.countRows();
    this.unwatch = effect(() => {
      if (reachable.value && token.value && this.retry) this.again();
    });
  }

  /** Stops what is under way; the feed is of no use afterwards. */
  close(): void {
    this.unwatch();
    this.stopper.abort();
  }

  get atStart(): boolean {
    return this.previous === null;
  }

  get atEnd(): boolean {
    return this.next === null;
  }

  /** Repeats what failed last. */
  again(): void {
    const retry = this.retry;
    this.retry = null;
    retry?.();
    if (!this.count.peek()) void this.countRows();
  }

  /** Reads the first page and the count again; what is shown stays until they are there. */
  refresh(): void {
    void this.start({});
    void this.countRows();
  }

  async toStart(): Promise<void> {
    if (!this.atStart) await this.start({});
  }

  async toEnd(): Promise<void> {
    if (!this.atEnd) await this.start({ before: "end" });
  }

  async more(direction: "after" | "before"): Promise<void> {
    const cursor = direction === "after" ? this.next : this.previous;
    if (!cursor || this.loading.peek()) return;
    this.loading.value = "more";
    const page = await this.page({ [direction]: cursor }, NEXT_PAGE, () => void this.more(direction));
    if (!page) return;
    const fresh = this.fresh(page);
    batch(() => {
      const rows = this.rows.peek();
      this.rows.value = direction === "after" ? [...rows, ...fresh] : [...fresh, ...rows];
      if (direction === "after") this.next = page.next;
      else {
        this.previous = page.previous;
        this.prepended.value = fresh.length;
      }
      this.loading.value = null;
    });
  }

  private async start(where: Record<string, string>): Promise<void> {
    this.loading.value = "first";
    const page = await this.page(where, FIRST_PAGE, () => void this.start(where));
    if (!page) return;
    this.keys.clear();
    this.next = page.next;
    this.previous = page.previous;
    batch(() => {
      this.columns.value = page.columns.map((name) => columnOrPlain(this.query.table, name));
      this.rows.value = this.fresh(page);
      this.sort.value = page.sort;
      this.loading.value = null;
    });
  }

  /** A row that was changed meanwhile can come a second time; it is shown once. */
  private fresh(page: Page): FeedRow[] {
    const fresh: FeedRow[] = [];
    page.rows.forEach((values, index) => {
      const key = page.keys[index]!;
      if (this.keys.has(key)) return;
      this.keys.add(key);
      fresh.push({ key, values });
    });
    return fresh;
  }

  private async page(where: Record<string, string>, limit: number, retry: () => void): Promise<Page | null> {
    try {
      const page = await readRows(this.query, { ...where, limit: String(limit) }, this.stopper.signal);
      this.problem.value = null;
      this.cost.value = { ms: page.ms, sortedBy: page.sortedBy };
      wantLabels(
        page.columns.map((name) => columnOrPlain(this.query.table, name)),
        page.rows,
      );
      return page;
    } catch (error) {
      if (isAbort(error)) return null;
      if (!(error instanceof ApiError)) throw error;
      batch(() => {
        this.loading.value = null;
        this.problem.value = error.refusal;
      });
      this.retry = retry;
      // The server is there and its database is not, or is busy: it is asked again until it answers.
      if (error.refusal.retryable && error.status !== 0) {
        setTimeout(() => !this.stopper.signal.aborted && this.again(), RETRY_MS);
      }
      return null;
    }
  }

  private async countRows(): Promise<void> {
    try {
      this.count.value = await readCount(this.query, this.stopper.signal);
    } catch (error) {
      // The rows carry the problem; without a count the foot names only what is loaded.
      if (!isAbort(error) && !(error instanceof ApiError)) throw error;
    }
  }
}
