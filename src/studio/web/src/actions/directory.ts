// Names, tokens, what is on sale, and the right to be forgotten.

import type { Form } from "../state/actions";
import { go, tableView } from "../state/route";
import { visible } from "../text/visible";
import type { Brand } from "../api/records";
import { edited } from "./edited";
import type { Who } from "./miles";

export function renameForm(who: Who & { displayName: string }): Form {
  return {
    title: "Rename",
    verb: "Rename",
    about: `${visible(who.username)} · ${who.userId}`,
    fields: [
      { name: "username", label: "Username", kind: "text", value: who.username },
      { name: "displayName", label: "Shown name", kind: "text", value: who.displayName },
    ],
    action: ({ username = "", displayName = "" }) => ({
      rename: {
        user: who.userId,
        ...(username !== who.username && { username }),
        ...((displayName !== who.displayName || username === who.username) && { displayName }),
      },
    }),
    done: () => "Renamed.",
  };
}

export function eraseForm(who: Who): Form {
  return {
    title: "Erase this player",
    verb: "Erase",
    about: `${visible(who.username)} · ${who.userId}`,
    explains: "The right to erasure: the name and the id leave every table, notes of others included. The miles stay in the sums of the ledger.",
    fields: [{ name: "keepMentions", label: "Leave the notes of others as they are", kind: "check", optional: true }],
    loses: true,
    action: ({ keepMentions = "" }) => ({ erase: { user: who.userId, ...(keepMentions && { keepMentions: true }) } }),
    done: () => "Erased.",
    then: () => go(tableView("users")),
  };
}

export function airlineForm(airline: { airlineId: string; name: string; inviteLink: string; serverId: string | null }): Form {
  const before = { name: airline.name, inviteLink: airline.inviteLink, serverId: airline.serverId ?? "" };
  return {
    title: "Edit the airline",
    verb: "Change",
    about: airline.airlineId,
    fields: [
      { name: "name", label: "Name", kind: "text", value: before.name },
      { name: "inviteLink", label: "Invitation", kind: "text", hint: "to its Discord server", value: before.inviteLink },
      { name: "serverId", label: "Discord server", kind: "text", hint: "its id", value: before.serverId },
    ],
    action: (values) => ({ editAirline: { airline: airline.airlineId, ...edited(before, values) } }),
    done: () => "The airline is changed.",
  };
}

export function brandForm(brand: Brand): Form {
  const { name, iata, icao, callsign, accentColor, secondaryColor, elementColor } = brand;
  const before = { name, iata, icao, callsign, accentColor, secondaryColor, elementColor, logoUrl: brand.logoUrl ?? "" };
  return {
    title: "Edit the brand",
    verb: "Change",
    about: visible(`${name} · ${iata} / ${icao}`),
    fields: [
      { name: "name", label: "Name", kind: "text", value: name },
      { name: "iata", label: "IATA code", kind: "text", hint: "2 letters or digits", value: iata },
      { name: "icao", label: "ICAO code", kind: "text", hint: "3 letters", value: icao },
      { name: "callsign", label: "Callsign", kind: "text", value: callsign },
      { name: "accentColor", label: "Accent colour", kind: "text", hint: "#rrggbb", value: accentColor },
      { name: "secondaryColor", label: "Background colour", kind: "text", hint: "#rrggbb", value: secondaryColor },
      { name: "elementColor", label: "Colour of text and marks", kind: "text", hint: "#rrggbb", value: elementColor },
      { name: "logoUrl", label: "Logo", kind: "text", optional: true, hint: "address, empty for none", value: before.logoUrl },
    ],
    action: (values) => ({ editBrand: { brand: brand.brandId, ...edited(before, values) } }),
    done: () => `${visible(name)} is changed.`,
  };
}

export function rotateForm(airline: { airlineId: string; name: string }): Form {
  return {
    title: "Rotate the token",
    verb: "Rotate",
    about: visible(airline.name),
    explains: "A new token is made and shown once. Programs that use the old one are refused from then on.",
    fields: [],
    loses: true,
    action: () => ({ rotate: { airline: airline.airlineId } }),
    done: () => "The token is new.",
  };
}

export function switchForm(product: { productId: string; name: string; active: boolean }): Form {
  const { productId, name, active } = product;
  return {
    title: active ? "Take off sale" : "Put on sale",
    verb: active ? "Take off sale" : "Put on sale",
    about: visible(name),
    fields: [],
    action: () => (active ? { disable: { product: productId } } : { enable: { product: productId } }),
    done: () => `${visible(name)} is ${active ? "off" : "on"} sale.`,
  };
}
