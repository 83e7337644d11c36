// Flights: planned, started, filled, ended or called off.

import type { Form } from "../state/actions";
import { go, tableView } from "../state/route";
import { grouped } from "../text/number";
import { visible } from "../text/visible";
import { edited } from "./edited";

/** What a person needs to know of a flight to act on it. */
export interface Which {
  id: string;
  code: string;
  departure: string;
  arrival: string;
}

function about({ code, departure, arrival }: Which): string {
  return visible(`${code} · ${departure} → ${arrival}`);
}

const AT = { name: "at", label: "At", kind: "text", optional: true, hint: "now, where it is empty; or -5m, 18:30" } as const;

export function planForm(airline: { airlineId: string; name: string } | null): Form {
  let planned: string | null = null;
  return {
    title: "Plan a flight",
    verb: "Plan",
    ...(airline && { about: visible(airline.name) }),
    fields: [
      { name: "code", label: "Code", kind: "text", hint: "such as DL123" },
      ...(airline ? [] : [{ name: "airline", label: "Airline", kind: "airline" } as const]),
      { name: "brand", label: "Brand", kind: "brand" },
      { name: "from", label: "From", kind: "text", hint: "airport" },
      { name: "to", label: "To", kind: "text", hint: "airport" },
      { name: "aircraft", label: "Aircraft", kind: "text" },
      { name: "gameId", label: "ROBLOX place", kind: "text", hint: "its id" },
      { ...AT, hint: "now, where it is empty; or +2h, 2026-12-01 18:00" },
      { name: "codeshare", label: "Codeshare", kind: "airline", optional: true, hint: "second airline" },
    ],
    action: ({ code = "", airline: typed = "", brand = "", from = "", to = "", aircraft = "", gameId = "", at = "", codeshare = "" }) => ({
      plan: {
        code: code.trim(),
        airline: airline?.airlineId ?? typed.trim(),
        brand: brand.trim(),
        from: from.trim(),
        to: to.trim(),
        aircraft,
        gameId: gameId.trim(),
        ...(at.trim() && { at: at.trim() }),
        ...(codeshare.trim() && { codeshare: codeshare.trim() }),
      },
    }),
    done: (answer) => {
      const id = Array.isArray(answer) ? null : answer?.["id"];
      planned = typeof id === "string" ? id : null;
      return "Planned.";
    },
    then: () => {
      if (planned) go({ screen: "flight", key: planned });
    },
  };
}

/** A flight with all that can be changed of it. */
export interface Editable extends Which {
  aircraft: string;
  gameId: string;
  startTime: string;
  brandId: string;
  codeshareAirlineId: string | null;
  discordEventLink: string | null;
}

export function editForm(flight: Editable): Form {
  const before = {
    code: flight.code,
    from: flight.departure,
    to: flight.arrival,
    at: flight.startTime,
    aircraft: flight.aircraft,
    gameId: flight.gameId,
    brand: flight.brandId,
    codeshare: flight.codeshareAirlineId ?? "",
    eventLink: flight.discordEventLink ?? "",
  };
  return {
    title: "Edit the flight",
    verb: "Change",
    about: about(flight),
    fields: [
      { name: "code", label: "Code", kind: "text", value: before.code },
      { name: "from", label: "From", kind: "text", hint: "airport", value: before.from },
      { name: "to", label: "To", kind: "text", hint: "airport", value: before.to },
      { name: "at", label: "Scheduled", kind: "text", hint: "or +2h, 2026-12-01 18:00", value: before.at },
      { name: "aircraft", label: "Aircraft", kind: "text", value: before.aircraft },
      { name: "gameId", label: "ROBLOX place", kind: "text", hint: "its id", value: before.gameId },
      { name: "brand", label: "Brand", kind: "brand", hint: "of the same airline", value: before.brand },
      { name: "codeshare", label: "Codeshare", kind: "airline", optional: true, hint: "second airline, empty for none", value: before.codeshare },
      { name: "eventLink", label: "Discord event", kind: "text", optional: true, value: before.eventLink },
    ],
    action: (values) => ({ editFlight: { flight: flight.id, ...edited(before, values) } }),
    done: () => `${visible(flight.code)} is changed.`,
  };
}

export function deleteForm(flight: Which): Form {
  return {
    title: "Delete the flight",
    verb: "Delete",
    about: about(flight),
    explains: "Only a flight that was never boarded can be deleted. One that will not take place is cancelled instead, and stays in the lists.",
    fields: [],
    loses: true,
    removes: true,
    action: () => ({ deleteFlight: { flight: flight.id } }),
    done: () => `${visible(flight.code)} is deleted.`,
    then: () => go(tableView("flights")),
  };
}

export function startForm(flight: Which): Form {
  return {
    title: "Start the flight",
    verb: "Start",
    about: about(flight),
    fields: [AT],
    action: ({ at = "" }) => ({ start: { flight: flight.id, ...(at.trim() && { at: at.trim() }) } }),
    done: () => `${visible(flight.code)} has started.`,
  };
}

export function endForm(flight: Which): Form {
  return {
    title: "End the flight",
    verb: "End",
    about: about(flight),
    fields: [AT],
    action: ({ at = "" }) => ({ end: { flight: flight.id, ...(at.trim() && { at: at.trim() }) } }),
    done: () => `${visible(flight.code)} has ended.`,
  };
}

export function cancelForm(flight: Which): Form {
  return {
    title: "Cancel the flight",
    verb: "Cancel the flight",
    about: about(flight),
    explains: "It ends without a start. Who is on board stays there, and keeps the miles.",
    fields: [],
    loses: true,
    action: () => ({ cancel: { flight: flight.id } }),
    done: () => `${visible(flight.code)} is cancelled.`,
  };
}

export function boardForm(flight: Which): Form {
  return {
    title: "Board a player",
    verb: "Board",
    about: about(flight),
    explains: "A player is paid once for a flight, however often they are boarded.",
    fields: [
      { name: "user", label: "Player", kind: "player" },
      { name: "miles", label: "Miles", kind: "text" },
      { name: "note", label: "Reason", kind: "text", optional: true, hint: "for the ledger" },
    ],
    repeatable: true,
    action: ({ user = "", miles = "", note = "" }) => ({
      board: { flight: flight.id, user: user.trim(), miles: miles.trim(), ...(note && { note }) },
    }),
    done: (_, { user = "" }) => `${visible(user.trim())} is on board ${visible(flight.code)}.`,
  };
}

/** The columns of a list that has a header. */
const HEADERS = ["user", "userid", "username", "miles", "displayname"];
const SEPARATOR = /[,;\t]/;

/** A pasted list as the command reads it: with a header. Names alone, or names and miles, get theirs. */
export function withHeader(pasted: string): string {
  const lines = pasted.split(/\r?\n/).filter((line) => line.trim());
  const first = lines[0] ?? "";
  const words = first.split(SEPARATOR).map((word) => word.trim().replace(/^"|"$/g, "").toLowerCase());
  const isHeader = words.every((word) => HEADERS.includes(word));
  if (!lines.length || isHeader || first.trimStart().startsWith("{")) return pasted;
  const separator = SEPARATOR.exec(first)?.[0];
  return [separator ? `user${separator}miles` : "user", ...lines].join("\n");
}

export function manifestForm(flight: Which): Form {
  return {
    title: "Paste a manifest",
    verb: "Board all",
    about: about(flight),
    fields: [
      {
        name: "passengers",
        label: "Passengers",
        kind: "lines",
        hint: "one a line: a name or id, and miles after a comma or a tab where they differ",
      },
      { name: "miles", label: "Miles", kind: "text", optional: true, hint: "of lines that say none" },
      { name: "note", label: "Reason", kind: "text", optional: true, hint: "for the ledger" },
      { name: "createMissing", label: "Make accounts where a line gives userId and username", kind: "check", optional: true },
      { name: "correct", label: "Correct what was paid otherwise", kind: "check", optional: true },
    ],
    repeatable: true,
    action: ({ passengers = "", miles = "", note = "", createMissing = "", correct = "" }) => ({
      manifest: {
        flight: flight.id,
        passengers: withHeader(passengers),
        ...(miles.trim() && { miles: miles.trim() }),
        ...(note && { note }),
        ...(createMissing && { createMissing: true }),
        ...(correct && { correct: true }),
      },
    }),
    done: (answer) => {
      const { boarded = 0, miles = 0 } = (Array.isArray(answer) ? null : answer) ?? {};
      return `Boarded ${grouped(String(boarded))}, ${grouped(String(miles))} miles.`;
    },
  };
}
