/** Whether a key belongs to a field that somebody types in, or to a dialog that is open. */
export function keyIsTaken(event: KeyboardEvent): boolean {
  const target = event.target instanceof Element ? event.target : null;
  return target?.closest("input, textarea, select, dialog, [popover]") !== null && target !== null;
}
