-- Every invariant of the ledger in one statement, so that all of it is judged on one snapshot.
--
-- One pass over each large table, by user. Whether a user's passenger rows and awards for flights are the same set of
-- (flight, miles) is decided by their number and the exclusive or of a 64-bit hash of each: equal for equal sets, and for
-- sets that differ only with a chance of 2^-64. Exact comparing is left for the users in whom something differs
-- ("suspect"): among them the users who were given a second award after the first was reversed.
--
-- What a validated CHECK of the table proves is not looked for again.
--
-- {user} narrows it to one user: `AND "userId" = $1`, or nothing.
WITH ledger AS (
    SELECT "userId", sum("amount") AS total, count(mark) AS flights, bit_xor(mark) AS mark
    FROM (SELECT "userId", "amount", CASE WHEN "flightId" IS NOT NULL AND "source" = 'flight' AND "type" = 'earn'
            THEN uuid_hash_extended("flightId", "amount") END AS mark
        FROM "milesTransactions" WHERE true {user}) entry
    GROUP BY "userId"
), board AS (
    SELECT "userId", count(*) AS flights, bit_xor(uuid_hash_extended("flightId", "miles")) AS mark
    FROM "flightPassengers" WHERE true {user} GROUP BY "userId"
), suspect AS MATERIALIZED (
    SELECT "userId", u."miles", coalesce(l.total, 0) AS total,
        coalesce(l.flights, 0) <> coalesce(b.flights, 0) OR l.mark IS DISTINCT FROM b.mark AS unsettled
    FROM "users" u LEFT JOIN ledger l USING ("userId") LEFT JOIN board b USING ("userId")
    WHERE (u."miles" < 0 OR u."miles" <> coalesce(l.total, 0)
        OR coalesce(l.flights, 0) <> coalesce(b.flights, 0) OR l.mark IS DISTINCT FROM b.mark) {user}
), award AS MATERIALIZED (
    SELECT e."flightId", e."userId", e."id", e."amount", e."createdAt",
        NOT EXISTS (SELECT FROM "milesTransactions" r WHERE r."reversesId" = e."id") AS stands
    FROM suspect s JOIN "milesTransactions" e USING ("userId")
    WHERE s.unsettled AND e."source" = 'flight' AND e."type" = 'earn' AND e."flightId" IS NOT NULL
), pair AS MATERIALIZED (
    SELECT "flightId", "userId", count(*) FILTER (WHERE stands) AS standing, sum("amount") FILTER (WHERE stands) AS paid,
        (array_agg("id" ORDER BY stands DESC, "createdAt" DESC, "id" DESC))[1] AS latest
    FROM award GROUP BY "flightId", "userId"
), passenger AS (
    SELECT p."flightId", p."userId", p."miles" FROM suspect s JOIN "flightPassengers" p USING ("userId") WHERE s.unsettled
), finding AS (
    SELECT 1 AS place, 'balance_is_sum' AS invariant, "userId", NULL::uuid AS "entryId", NULL::uuid AS "flightId",
        NULL::text AS "productId", total::int8 AS expected, "miles"::int8 AS found
    FROM suspect WHERE "miles" <> total
    UNION ALL
    SELECT 2, 'balance_in_range', "userId", NULL, NULL, NULL, 0, "miles" FROM suspect WHERE "miles" < 0
    UNION ALL
    SELECT 3, 'sign_fits_type', "userId", "id", "flightId", "productId", NULL, "amount" FROM "milesTransactions"
    WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = 'public."milesTransactions"'::regclass
            AND c.conname = 'milesTransactions_amount_check' AND c.contype = 'c' AND c.convalidated)
        AND NOT ("type" = 'earn' AND "amount" >= 0 OR "type" = 'spend' AND "amount" <= 0) {user}
    UNION ALL
    SELECT 4, 'one_award_a_flight', "userId", latest, "flightId", NULL, 1, standing FROM pair WHERE standing > 1
    UNION ALL
    SELECT 5, 'passenger_miles', "userId", a.latest, "flightId", NULL, p."miles", a.paid
    FROM passenger p FULL JOIN pair a USING ("flightId", "userId")
    WHERE a.standing = 1 AND p."miles" IS DISTINCT FROM a.paid OR a.standing IS NULL AND p."miles" <> 0
    UNION ALL
    SELECT 6, 'reversal_is_opposite', r."userId", r."id", r."flightId", r."productId", -e."amount"::int8, r."amount"
    FROM (SELECT * FROM "milesTransactions" WHERE "reversesId" IS NOT NULL {user}) r
        JOIN "milesTransactions" e ON e."id" = r."reversesId" AND (r."userId" <> e."userId" OR r."amount"::int8 <> -e."amount"::int8)
    UNION ALL
    SELECT 7, 'reversed_once', min("userId"), (array_agg("id" ORDER BY "createdAt" DESC, "id" DESC))[1], NULL, NULL, 1, count(*)
    FROM "milesTransactions" WHERE "reversesId" IS NOT NULL {user} GROUP BY "reversesId" HAVING count(*) > 1
    UNION ALL
    SELECT 8, 'product_exists', "userId", "id", NULL, "productId", NULL, "amount" FROM "milesTransactions" e
    WHERE "productId" IS NOT NULL AND "reversesId" IS NULL {user}
        AND NOT EXISTS (SELECT FROM "milesProducts" p WHERE p."productId" = e."productId")
        AND NOT EXISTS (SELECT FROM "milesTransactions" r WHERE r."reversesId" = e."id")
    UNION ALL
    -- Foreign keys may be switched off, or have been.
    SELECT 9, 'user_exists', l."userId", NULL, NULL, NULL, NULL, l.total::int8
    FROM (SELECT "userId", total FROM ledger UNION ALL
        SELECT b."userId", 0 FROM board b LEFT JOIN ledger o USING ("userId") WHERE o."userId" IS NULL) l
        LEFT JOIN "users" u USING ("userId") WHERE u."userId" IS NULL
)
SELECT f.invariant, f."userId", coalesce(u."username", '') AS "username", f."entryId", f."flightId", f."productId", f.expected, f.found::int8 AS found,
    g."startedAt" IS NULL AND g."endTime" IS NOT NULL AS cancelled
FROM finding f LEFT JOIN "users" u USING ("userId") LEFT JOIN "flights" g ON g."id" = f."flightId"
ORDER BY f.place, f."userId", f."entryId", f."flightId"
