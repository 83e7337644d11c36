// Data that a component shows: read when it appears, dropped when it goes, read again when the server is back.

import { useComputed } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, isAbort, reachable } from "../api/http";
import { token } from "../api/token";
import type { Refusal } from "../api/types";
import { takeFocus } from "./focus";

export interface Loaded<T> {
  value: T | null;
  problem: Refusal | null;
}

const RETRY_MS = 3_000;

/** `inputs` decide what is read; `pause` in milliseconds skips the rows that a held key passes. */
export function useLoaded<T>(read: (signal: AbortSignal) => Promise<T>, inputs: string[], pause = 0): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ value: null, problem: null });
  const [turn, setTurn] = useState(0);
  const available = useComputed(() => reachable.value && token.value !== null).value;
  useEffect(() => {
    if (!available) return;
    const stopper = new AbortController();
    let retry: ReturnType<typeof setTimeout> | undefined;
    const start = setTimeout(async () => {
      try {
        setLoaded({ value: await read(stopper.signal), problem: null });
      } catch (error) {
        if (isAbort(error)) return;
        if (!(error instanceof ApiError)) throw error;
        setLoaded({ value: null, problem: error.refusal });
        if (error.refusal.retryable) retry = setTimeout(() => setTurn((last) => last + 1), RETRY_MS);
      }
    }, pause);
    return () => {
      clearTimeout(start);
      clearTimeout(retry);
      stopper.abort();
    };
  }, [...inputs, turn, available]);
  return loaded;
}

/** For the main element of a screen: it takes the focus after a step to it. */
export function useFocus(): RefObject<HTMLElement> {
  const element = useRef<HTMLElement>(null);
  useEffect(() => {
    if (takeFocus()) element.current?.focus();
  }, []);
  return element;
}
