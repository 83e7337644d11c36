// Pages of a player, a flight, an airline, a product, and the overview: what the commands `show` and `list` answer.

import { get } from "./http";

export interface Entry {
  id: string;
  userId: string;
  amount: number;
  type: string;
  source: string;
  flightId: string | null;
  productId: string | null;
  note: string | null;
  createdAt: string;
  reversesId: string | null;
  batchId: string | null;
  actor: string | null;
}

export interface Player {
  userId: string;
  username: string;
  displayName: string;
  miles: number;
  createdAt: string;
  rank: number;
  users: number;
  flights: number;
  earned: number;
  spent: number;
}

export interface PlayerPage {
  player: Player;
  history: (Entry & { balance: number })[];
  flights: { flightId: string; code: string; departure: string; arrival: string; joinedAt: string; miles: number }[];
}

export type FlightStatus = "scheduled" | "overdue" | "live" | "stale" | "ended" | "cancelled";

export interface Flight {
  id: string;
  code: string;
  departure: string;
  arrival: string;
  aircraft: string;
  gameId: string;
  startTime: string;
  startedAt: string | null;
  endTime: string | null;
  airlineId: string;
  status: FlightStatus;
}

export interface FlightPage {
  flight: Flight & {
    brandId: string;
    codeshareAirlineId: string | null;
    discordEventLink: string | null;
    airline: { airlineId: string; name: string };
    brand: { brandId: string; name: string; iata: string; icao: string; callsign: string };
    codeshareAirline: { airlineId: string; name: string } | null;
    manifest: { passengers: number; miles: number; unpaid: number };
  };
  passengers: { userId: string; username: string; displayName: string; miles: number; joinedAt: string }[];
}

export interface Product {
  productId: string;
  airlineId: string;
  name: string;
  description: string | null;
  priceMiles: number;
  active: boolean;
  redeemed: number;
  miles: number;
}

export interface Brand {
  brandId: string;
  name: string;
  iata: string;
  icao: string;
  callsign: string;
  isPrimary: boolean;
  logoUrl: string | null;
  accentColor: string;
  secondaryColor: string;
  elementColor: string;
}

export interface AirlinePage {
  airline: {
    airlineId: string;
    name: string;
    token: string;
    inviteLink: string;
    serverId: string | null;
    createdAt: string;
    brands: number;
    flights: number;
    codeshares: number;
    products: number;
  };
  brands: Brand[];
  products: Product[];
  flights: Flight[];
}

export type ProductPage = Product & { canAfford: number; redeemedByName: number };

export interface Movements {
  since: string;
  days: { day: string; earned: number; spent: number }[];
  largest: (Entry & { username: string })[];
}

export interface Finding {
  level: "ok" | "warning" | "error";
  area: string;
  name: string;
  found: string;
  fix: string | null;
}

function path(kind: string, key: string): string {
  return `/api/${kind}/${encodeURIComponent(key)}`;
}

export function readPlayer(key: string, signal: AbortSignal): Promise<PlayerPage> {
  return get(path("players", key), signal);
}

export function readFlight(key: string, signal: AbortSignal): Promise<FlightPage> {
  return get(path("flights", key), signal);
}

export function readAirline(key: string, signal: AbortSignal): Promise<AirlinePage> {
  return get(path("airlines", key), signal);
}

export function readProduct(key: string, signal: AbortSignal): Promise<ProductPage> {
  return get(path("products", key), signal);
}

export async function readBoard(signal: AbortSignal): Promise<Flight[]> {
  return (await get<{ flights: Flight[] }>("/api/overview/flights", signal)).flights;
}

export function readMovements(signal: AbortSignal): Promise<Movements> {
  return get("/api/overview/movements", signal);
}

export function readFindings(signal: AbortSignal): Promise<Finding[]> {
  return get("/api/overview/findings", signal);
}
