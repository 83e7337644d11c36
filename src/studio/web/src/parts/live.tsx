// Short notices: seen at the bottom of the page for a while, and read out.

import { signal } from "@preact/signals";

const SHOWN_MS = 5_000;

const notice = signal("");
let timer: ReturnType<typeof setTimeout> | undefined;

export function announce(text: string): void {
  notice.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => {
    notice.value = "";
  }, SHOWN_MS);
}

export function Live() {
  return (
    <div class={notice.value ? "notice" : "notice silent"} role="status">
      {notice.value}
    </div>
  );
}
