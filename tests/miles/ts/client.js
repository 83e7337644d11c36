// What the web shop, the REST API and the Discord bot do with the database, in their own words: Drizzle ORM 0.40 over
// postgres.js 3.4. Prints one JSON object: what went through, and with which words the database refused the rest.
import { drizzle } from "drizzle-orm/postgres-js";
import { and, eq, sql } from "drizzle-orm";
import { integer, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";
import postgres from "postgres";

const users = pgTable("users", {
  userId: text("userId").primaryKey(),
  username: text("username").notNull().unique(),
  displayName: text("displayName").notNull(),
  miles: integer("miles").notNull().default(0),
  avatarUrl: text("avatarUrl"),
  createdAt: timestamp("createdAt").notNull().defaultNow(),
  updatedAt: timestamp("updatedAt").notNull().defaultNow(),
});
const flightPassengers = pgTable("flightPassengers", {
  flightId: uuid("flightId").notNull(),
  userId: text("userId").notNull(),
  miles: integer("miles").notNull(),
  joinedAt: timestamp("joinedAt").notNull().defaultNow(),
});
const milesTransactions = pgTable("milesTransactions", {
  id: uuid("id").primaryKey().defaultRandom(),
  userId: text("userId").notNull(),
  amount: integer("amount").notNull(),
  type: text("type").notNull(),
  source: text("source").notNull(),
  flightId: uuid("flightId"),
  productId: text("productId"),
  note: text("note"),
  createdAt: timestamp("createdAt").notNull().defaultNow(),
});

const [url, mode, flightId] = process.argv.slice(2);
const client = postgres(url, { max: 50, onnotice: () => {} });
const db = drizzle(client);

/** How the apps pay a passenger. */
const board = (userId, miles) =>
  db.transaction(async (tx) => {
    await tx.insert(flightPassengers).values({ flightId, userId, miles });
    await tx.insert(milesTransactions).values({ userId, amount: miles, type: "earn", source: "flight", flightId });
    await tx.update(users).set({ miles: sql`${users.miles} + ${miles}` }).where(eq(users.userId, userId));
  });

/** How the apps spend: read the balance, then write what is left, with no lock between. `haveRead` holds it there. */
const spend = (userId, price, haveRead = async () => {}) =>
  db.transaction(async (tx) => {
    const [row] = await tx.select().from(users).where(eq(users.userId, userId));
    await haveRead();
    if (row.miles < price) throw new Error("read too little");
    await tx.insert(milesTransactions).values({ userId, amount: -price, type: "spend", source: "purchase" });
    await tx.update(users).set({ miles: sql`${users.miles} - ${price}` }).where(eq(users.userId, userId));
  });

/** What became of a promise: null, or the words and the code of the refusal. */
const outcome = (promise) => promise.then(() => null, (e) => ({ message: e.message, code: e.code, constraint: e.constraint_name }));
const miles = async (userId) => (await db.select().from(users).where(eq(users.userId, userId)))[0].miles;

const answer = {};
if (mode === "stories") {
  answer.newUser = await outcome(db.insert(users).values({ userId: "77", username: "from_ts", displayName: "From TS" }));
  answer.board = await outcome(board("77", 1000));
  answer.boardTwice = await outcome(board("77", 1000));
  answer.milesAfterBoarding = await miles("77");

  // All have read before the first one writes: the worst case, however busy the machine is.
  let reading = 50, open;
  const gate = new Promise((resolve) => { open = resolve; });
  const haveRead = () => { if (--reading === 0) open(); return gate; };
  const spends = await Promise.all(Array.from({ length: 50 }, () => outcome(spend("77", 1000, haveRead))));
  answer.spent = spends.filter((one) => one === null).length;
  answer.refusals = [...new Set(spends.filter(Boolean).map((one) => one.message))].sort();
  answer.insufficient = spends.find((one) => one && one.message === "Insufficient miles") ?? null;
  answer.milesAfterSpending = await miles("77");

  answer.zeroAward = await outcome(db.insert(milesTransactions).values({ userId: "77", amount: 0, type: "earn", source: "api" }));
  answer.negativeAward = await outcome(db.transaction(async (tx) => {
    await tx.insert(milesTransactions).values({ userId: "77", amount: -5, type: "earn", source: "api" });
    await tx.update(users).set({ miles: sql`${users.miles} - 5` }).where(eq(users.userId, "77"));
  }));
  answer.overdraft = await outcome(db.update(users).set({ miles: -5 }).where(eq(users.userId, "77")));
  answer.negativeUser = await outcome(db.insert(users).values({ userId: "78", username: "neg", displayName: "N", miles: -1 }));
  answer.edit = await outcome(db.update(milesTransactions).set({ amount: 9 }).where(eq(milesTransactions.userId, "77")));
  answer.remove = await outcome(db.delete(milesTransactions).where(eq(milesTransactions.userId, "77")));
  answer.truncate = await outcome(db.execute(sql`truncate ${milesTransactions}`));
  answer.rename = await outcome(db.update(users).set({ displayName: "Renamed", updatedAt: new Date() })
    .where(and(eq(users.userId, "77"), eq(users.username, "from_ts"))));
} else if (mode === "load") {
  // 32 clients, each spending one mile at a time from the account that skyteam spends from too.
  const done = await Promise.all(Array.from({ length: 32 }, async () => {
    let spent = 0;
    for (let i = 0; i < 20; i++) if ((await outcome(spend("1", 1))) === null) spent++;
    return spent;
  }));
  answer.spent = done.reduce((a, b) => a + b, 0);
}
console.log(JSON.stringify(answer));
await client.end();
