// A box that belongs to an element of the page and closes by Esc or a click elsewhere, which is what the browser's own
// popovers do. Only its place is ours.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

const GAP = 4;
const MARGIN = 8;

interface PopoverProps {
  anchor: Element;
  label: string;
  onClose: () => void;
  children: ComponentChildren;
}

/** Below the anchor, or above it where there is more room, and never outside the window. */
function place(box: HTMLElement, anchor: Element): void {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = box;
  const left = Math.max(MARGIN, Math.min(at.left, innerWidth - width - MARGIN));
  const below = at.bottom + GAP;
  const fits = below + height <= innerHeight - MARGIN || at.top < innerHeight - at.bottom;
  box.style.left = `${left}px`;
  box.style.top = `${Math.max(MARGIN, fits ? Math.min(below, innerHeight - height - MARGIN) : at.top - GAP - height)}px`;
}

export function Popover({ anchor, label, onClose, children }: PopoverProps) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = box.current!;
    element.showPopover();
    place(element, anchor);
    const sized = new ResizeObserver(() => place(element, anchor));
    sized.observe(element);
    element.querySelector<HTMLElement>("[data-focus]")?.focus();
    return () => sized.disconnect();
  }, [anchor]);
  return (
    <div
      ref={box}
      class="popover"
      popover="auto"
      role="dialog"
      aria-label={label}
      onToggle={(event) => {
        if (event.newState === "closed") onClose();
      }}
    >
      {children}
    </div>
  );
}
