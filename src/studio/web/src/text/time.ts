// Times as the server sends them, RFC 3339 in UTC with microseconds. The digits of the fraction are never parsed: only
// whole seconds are moved into another zone, so that what is shown is what is stored.

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(\.\d+)?Z$/;

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string): Intl.DateTimeFormat {
  let known = formats.get(zone);
  if (!known) {
    known = new Intl.DateTimeFormat("en-CA", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formats.set(zone, known);
  }
  return known;
}

/** Whether this browser knows a time zone by that name. */
export function knowsZone(zone: string): boolean {
  try {
    format(zone);
    return true;
  } catch {
    return false;
  }
}

/** `2026-01-15 12:00:00.123456` in a zone. What is not a time of the common form is returned unchanged. */
export function inZone(value: string, zone: string): string {
  const parts = RFC3339.exec(value);
  if (!parts) return value;
  const [, year, month, day, hour, minute, second, fraction = ""] = parts;
  // Zeros at the end say nothing; a fraction that says something keeps every digit.
  const rest = fraction.replace(/\.?0+$/, "");
  if (zone === "UTC") return `${year}-${month}-${day} ${hour}:${minute}:${second}${rest}`;
  const instant = Date.UTC(+year!, +month! - 1, +day!, +hour!, +minute!, +second!);
  const shown: Record<string, string> = {};
  for (const part of format(zone).formatToParts(instant)) shown[part.type] = part.value;
  return `${shown["year"]}-${shown["month"]}-${shown["day"]} ${shown["hour"]}:${shown["minute"]}:${shown["second"]}${rest}`;
}
