// The measures of a box, in pixels, and what is written in it. Apart from the layout, whose library is loaded with the first visit of the page.

/** The height of a box's title. */
export const HEAD = 30;
/** The height of a column's line. */
export const ROW = 19;
/** The space above the first column and below the last. */
export const PADDING = 6;

const SHORT: [RegExp, string][] = [
  [/^timestamp(\(\d\))? without time zone$/, "timestamp$1"],
  [/^timestamp(\(\d\))? with time zone$/, "timestamptz$1"],
  [/^character varying/, "varchar"],
  [/^double precision$/, "double"],
];

/** A type in few characters: PostgreSQL's own short names for its long ones. */
export function kindWords(kind: string): string {
  return SHORT.reduce((kind, [long, short]) => kind.replace(long, short), kind);
}
