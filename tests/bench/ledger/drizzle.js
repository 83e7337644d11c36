// The apps' award, as often as it goes: node drizzle.js URL CLIENTS ACCOUNTS SECONDS. Prints transactions a second.
import { drizzle } from "drizzle-orm/postgres-js";
import { eq } from "drizzle-orm";
import { integer, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";
import postgres from "postgres";

const users = pgTable("users", { userId: text("userId").primaryKey(), miles: integer("miles").notNull().default(0) });
const milesTransactions = pgTable("milesTransactions", {
  id: uuid("id").primaryKey().defaultRandom(),
  userId: text("userId").notNull(),
  amount: integer("amount").notNull(),
  type: text("type").notNull(),
  source: text("source").notNull(),
  note: text("note"),
  createdAt: timestamp("createdAt").notNull().defaultNow(),
});
const [url, clients, accounts, seconds] = process.argv.slice(2);
const client = postgres(url, { max: Number(clients), onnotice: () => {} });
const db = drizzle(client);
const began = performance.now();
let done = 0;
await Promise.all(Array.from({ length: Number(clients) }, async () => {
  while (performance.now() - began < Number(seconds) * 1000) {
    const userId = String(1 + Math.floor(Math.random() * Number(accounts)));
    await db.transaction(async (tx) => {
      const [row] = await tx.select().from(users).where(eq(users.userId, userId));
      await tx.update(users).set({ miles: row.miles + 10 }).where(eq(users.userId, userId));
      await tx.insert(milesTransactions).values({ userId, amount: 10, type: "earn", source: "api", note: "note" });
    });
    done++;
  }
}));
console.log(done / ((performance.now() - began) / 1000));
await client.end();
