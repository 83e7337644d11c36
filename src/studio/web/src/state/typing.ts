/** Whether a key belongs to a text field or an open dialog rather than to the page. */
export function keyIsTaken(event: KeyboardEvent): boolean {
  const target = event.target instanceof Element ? event.target : null;
  return target?.closest("input, textarea, select, dialog, [popover], [data-editor]") !== null && target !== null;
}
