// Numbers as people read them. `bigint` and `numeric` arrive as strings and are grouped as strings: no digit passes
// through a floating-point number.

/** Groups the digits of a whole or decimal number: `-1234567.5` is `-1,234,567.5`. Other text is left as it is. */
export function grouped(value: string | number): string {
  const text = String(value);
  const parts = /^(-?)(\d+)(\.\d+)?$/.exec(text);
  if (!parts) return text;
  const [, sign = "", whole = "", fraction = ""] = parts;
  return `${sign}${whole.replace(/\B(?=(\d{3})+$)/g, ",")}${fraction}`;
}

/** A count in little room: `1.0 M`, `100 k`. Below ten thousand it is exact. */
export function compact(n: number): string {
  if (n < 10_000) return grouped(n);
  if (n < 1_000_000) return `${Math.floor(n / 1000)} k`;
  return `${(Math.floor(n / 100_000) / 10).toFixed(1)} M`;
}
