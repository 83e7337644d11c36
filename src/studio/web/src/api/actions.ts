// What the page has done, each as the command that does it: tried, shown, then done for good.

import { post } from "./http";

/** What is to be otherwise; the rest stays. */
type Edited<Name extends string> = Partial<Record<Name, string>>;

/** Exactly one of these; nothing else becomes a command. */
export type Action =
  | { award: { users: string[]; amount: string; note: string; source?: string; flight?: string; key: string } }
  | { spend: { user: string; amount: string; note: string; source?: string; key: string } }
  | { redeem: { user: string; product: string; note?: string; key: string } }
  | { reverse: { target: string; note: string } }
  | {
      plan: {
        code: string;
        airline: string;
        brand: string;
        from: string;
        to: string;
        aircraft: string;
        gameId: string;
        at?: string;
        codeshare?: string;
      };
    }
  | { editFlight: { flight: string } & Edited<"code" | "brand" | "from" | "to" | "aircraft" | "gameId" | "at" | "codeshare" | "eventLink"> }
  | { deleteFlight: { flight: string } }
  | { start: { flight: string; at?: string } }
  | { end: { flight: string; at?: string } }
  | { cancel: { flight: string } }
  | { board: { flight: string; user: string; miles: string; note?: string } }
  | { manifest: { flight: string; passengers: string; miles?: string; note?: string; createMissing?: boolean; correct?: boolean } }
  | { rename: { user: string; username?: string; displayName?: string } }
  | { editAirline: { airline: string } & Edited<"name" | "inviteLink" | "serverId"> }
  | {
      editBrand: { brand: string } & Edited<
        "name" | "iata" | "icao" | "callsign" | "logoUrl" | "accentColor" | "secondaryColor" | "elementColor"
      >;
    }
  | { rotate: { airline: string } }
  | { enable: { product: string } }
  | { disable: { product: string } }
  | { erase: { user: string; keepMentions?: boolean } };

/** What the command answers: a thing, a list, or nothing. */
export type Answer = Record<string, unknown> | Record<string, unknown>[] | null;

export interface Acted {
  applied: boolean;
  answer: Answer;
  said: string[];
  command: string;
}

/** A question that must be answered first. */
export interface Asked {
  question: string;
  said: string[];
  /** Whether a name must be typed. */
  typed: boolean;
  agreement: string;
}

/** What a refusal of an action says beside the error. */
export interface RefusedAction {
  command?: string;
  repeatable?: boolean;
  said?: string[];
  answer?: Answer;
  ask?: Asked;
}

export function tryOut(action: Action, signal: AbortSignal): Promise<Acted> {
  return post("/api/actions", { action, preview: true }, signal);
}

export function carryOut(action: Action, agreed: string | null, typed: string | null): Promise<Acted> {
  return post("/api/actions", { action, agreed, typed });
}
