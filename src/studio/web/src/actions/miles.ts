// Miles: every change of a balance is an entry of the ledger with a reason.

import type { Answer } from "../api/actions";
import type { Form, Values } from "../state/actions";
import { grouped } from "../text/number";
import { visible } from "../text/visible";

/** What a person needs to know of a player to act on them. */
export interface Who {
  userId: string;
  username: string;
}

const AMOUNT = { name: "amount", label: "Miles", kind: "text" } as const;
const NOTE = { name: "note", label: "Reason", kind: "text", hint: "for the ledger" } as const;

function about({ userId, username }: Who): string {
  return `${visible(username)} · ${userId}`;
}

/** Players as they are typed: names, ids or @names, with commas, blanks or line ends between them. */
function players(text: string): string[] {
  return text.split(/[\s,;]+/).filter(Boolean);
}

function balance(answer: Answer): string {
  const entry = Array.isArray(answer) ? null : answer;
  return typeof entry?.["balance"] === "number" ? `, balance ${grouped(entry["balance"])}` : "";
}

export function awardForm(who: Who | null): Form {
  return {
    title: "Award miles",
    verb: "Award",
    ...(who && { about: about(who) }),
    fields: [
      ...(who ? [] : [{ name: "users", label: "Players", kind: "players", hint: "names or ids, several make one batch" } as const]),
      AMOUNT,
      NOTE,
    ],
    repeatable: true,
    action: ({ users = "", amount = "", note = "" }: Values, key) => ({
      award: { users: who ? [who.userId] : players(users), amount: amount.trim(), note, key },
    }),
    done: (answer, { amount = "" }) => `Awarded ${grouped(amount.trim())} miles${balance(answer)}.`,
  };
}

export function spendForm(who: Who): Form {
  return {
    title: "Spend miles",
    verb: "Spend",
    about: about(who),
    fields: [AMOUNT, NOTE],
    repeatable: true,
    action: ({ amount = "", note = "" }, key) => ({ spend: { user: who.userId, amount: amount.trim(), note, key } }),
    done: (answer, { amount = "" }) => `Took ${grouped(amount.trim())} miles${balance(answer)}.`,
  };
}

/** Buys a product for a player; either may be known beforehand. */
export function redeemForm(who: Who | null, product: { productId: string; name: string } | null): Form {
  return {
    title: "Redeem a product",
    verb: "Redeem",
    about: who ? about(who) : visible(product?.name ?? ""),
    fields: [
      ...(who ? [] : [{ name: "user", label: "Player", kind: "player" } as const]),
      ...(product ? [] : [{ name: "product", label: "Product", kind: "product", hint: "its id, or airline/name" } as const]),
      { ...NOTE, optional: true },
    ],
    repeatable: true,
    action: ({ user = "", product: typed = "", note = "" }, key) => ({
      redeem: {
        user: who?.userId ?? user.trim(),
        product: product?.productId ?? typed.trim(),
        ...(note && { note }),
        key,
      },
    }),
    done: (answer) => `Redeemed${balance(answer)}.`,
  };
}

export function reverseForm(entry: { id: string; amount: number; batchId: string | null }, who: Who): Form {
  const batch = entry.batchId;
  return {
    title: "Reverse an entry",
    verb: "Reverse",
    about: about(who),
    explains: `A new entry of ${entry.amount > 0 ? "-" : "+"}${grouped(Math.abs(entry.amount))} miles takes this one back. Both stay in the ledger.`,
    fields: [
      NOTE,
      ...(batch ? [{ name: "batch", label: "The whole batch that it belongs to", kind: "check", optional: true } as const] : []),
    ],
    action: ({ note = "", batch: whole = "" }) => ({
      reverse: { target: whole && batch ? `batch:${batch}` : `entry:${entry.id}`, note },
    }),
    done: (answer) => `Reversed${balance(answer)}.`,
  };
}
