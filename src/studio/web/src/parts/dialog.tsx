// The browser's modal dialog: it keeps the focus inside, gives it back, and closes by Esc.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "./icon";

interface DialogProps {
  title: string;
  class?: string;
  /** Whether the title is only read out. */
  bare?: boolean;
  onClose: () => void;
  children: ComponentChildren;
}

export function Dialog({ title, class: extra = "", bare = false, onClose, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const gone = useRef(false);
  // Before anything is painted: what is typed right after the key that opened it belongs to it.
  useLayoutEffect(() => {
    const dialog = element.current!;
    dialog.showModal();
    dialog.querySelector<HTMLElement>("[data-focus]")?.focus();
    return () => {
      // The close event of a dialog that was removed comes later, and would close the next one.
      gone.current = true;
      dialog.close();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={`dialog ${extra}`}
      aria-label={title}
      onClose={() => {
        if (!gone.current) onClose();
      }}
      onMouseDown={(event) => {
        // The backdrop is the dialog itself; its contents are inside the box.
        if (event.target === element.current) element.current?.close();
      }}
    >
      <div class="dialog-box">
        {!bare && (
          <header class="dialog-head">
            <h2>{title}</h2>
            <button type="button" class="icon-button" aria-label="Close" onClick={() => element.current?.close()}>
              <Icon name="close" />
            </button>
          </header>
        )}
        {children}
      </div>
    </dialog>
  );
}
