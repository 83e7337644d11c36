// The one switch between UTC and the time zone that the studio was started with.

import { computed, signal } from "@preact/signals";
import { inZone, knowsZone } from "../text/time";
import { session } from "./session";

const KEY = "skyteam.studio.zone";

const wantsUtc = signal(localStorage.getItem(KEY) !== "local");

/** The zone of `--tz`, where it is another than UTC and this browser knows it. */
export const localZone = computed(() => {
  const tz = session.value?.tz;
  return tz && tz !== "UTC" && knowsZone(tz) ? tz : null;
});

export const zone = computed(() => (wantsUtc.value ? "UTC" : (localZone.value ?? "UTC")));

export function switchZone(): void {
  wantsUtc.value = !wantsUtc.value;
  localStorage.setItem(KEY, wantsUtc.value ? "utc" : "local");
}

/** A stored time as it reads in the zone of the header. */
export function shownTime(value: string): string {
  return inZone(value, zone.value);
}

/** The same to the minute, where seconds say nothing. */
export function shownMinute(value: string): string {
  return shownTime(value).replace(/:\d\d(?:\.\d+)?$/, "");
}

/** The same instant in both zones, for a tooltip. */
export function bothTimes(value: string): string {
  const local = localZone.value;
  const utc = `${inZone(value, "UTC")} UTC`;
  return local ? `${utc}\n${inZone(value, local)} ${local}` : utc;
}
