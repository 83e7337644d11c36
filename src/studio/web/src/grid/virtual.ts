// Only the rows in sight are in the document. Ties TanStack's framework-free virtualizer to a component.

import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from "@tanstack/virtual-core";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useReducer, useState } from "preact/hooks";

const OVERSCAN = 2;

export interface VirtualRows {
  scroller: RefObject<HTMLDivElement>;
  count: number;
  rowHeight: number;
}

/** The first row begins below the header, which has a row's height and stays in view. */
export function useVirtualRows({ scroller, count, rowHeight }: VirtualRows): Virtualizer<HTMLDivElement, HTMLDivElement> {
  const [, redraw] = useReducer((turn: number) => turn + 1, 0);
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: OVERSCAN,
    scrollMargin: rowHeight,
    scrollPaddingStart: rowHeight,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => redraw(undefined),
  };
  const [virtualizer] = useState(() => new Virtualizer<HTMLDivElement, HTMLDivElement>(options));
  virtualizer.setOptions(options);
  useEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  return virtualizer;
}
