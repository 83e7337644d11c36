// Text from the database. `<bdi>` keeps its direction to itself; characters that would act are written out.

import { pieces, visible } from "../text/visible";

export function Text({ value, title = false }: { value: string; title?: boolean }) {
  return (
    <bdi title={title ? visible(value) : undefined}>
      {pieces(value).map((piece) => (piece.mark ? <span class="mark">{piece.text}</span> : piece.text))}
    </bdi>
  );
}

/** No value at all. */
export function Null() {
  return <span class="null">null</span>;
}

/** A text without characters, which is not NULL. */
export function Empty() {
  return (
    <span class="null" title="empty text">
      ''
    </span>
  );
}
