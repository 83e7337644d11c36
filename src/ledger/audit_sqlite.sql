-- Every invariant of the ledger in one statement, so that all of it is judged on one snapshot.
--
-- SQLite has no hash to compare sets by: awards and passengers are grouped together by flight and user, and only pairs
-- that do not agree at once ("unsettled") are looked at for reversals.
--
-- {user} narrows it to one user: `AND "userId" = $1`, or nothing.
WITH ledger AS MATERIALIZED (
    SELECT "userId", sum("amount") AS total FROM "milesTransactions" WHERE true {user} GROUP BY "userId"
), unsettled AS MATERIALIZED (
    SELECT "flightId", "userId", max("miles") AS miles FROM (
        SELECT "flightId", "userId", NULL AS "miles", "amount", 1 AS award FROM "milesTransactions"
        WHERE "source" = 'flight' AND "type" = 'earn' AND "flightId" IS NOT NULL {user}
        UNION ALL
        SELECT "flightId", "userId", "miles", 0, 0 FROM "flightPassengers" WHERE true {user}
    ) GROUP BY "flightId", "userId" HAVING sum(award) <> 1 OR max("miles") IS NOT sum("amount")
), award AS MATERIALIZED (
    SELECT e."flightId", e."userId", e."id", e."amount", e."createdAt",
        NOT EXISTS (SELECT 1 FROM "milesTransactions" r WHERE r."reversesId" = e."id") AS stands
    FROM unsettled n CROSS JOIN "milesTransactions" e ON e."flightId" = n."flightId" AND e."userId" = n."userId"
    WHERE e."source" = 'flight' AND e."type" = 'earn'
), pair AS MATERIALIZED (
    SELECT "flightId", "userId", sum(stands) AS standing, sum("amount") FILTER (WHERE stands) AS paid,
        (SELECT l."id" FROM award l WHERE l."flightId" = a."flightId" AND l."userId" = a."userId"
            ORDER BY l.stands DESC, l."createdAt" DESC, l."id" DESC LIMIT 1) AS latest
    FROM award a GROUP BY "flightId", "userId"
), finding AS (
    SELECT 1 AS place, 'balance_is_sum' AS invariant, u."userId" AS "userId", NULL AS "entryId", NULL AS "flightId",
        NULL AS "productId", coalesce(l.total, 0) AS expected, u."miles" AS found
    FROM "users" u LEFT JOIN ledger l ON l."userId" = u."userId" WHERE u."miles" <> coalesce(l.total, 0) {user_u}
    UNION ALL
    SELECT 2, 'balance_in_range', "userId", NULL, NULL, NULL, CASE WHEN "miles" < 0 THEN 0 ELSE 2147483647 END, "miles"
    FROM "users" WHERE ("miles" < 0 OR "miles" > 2147483647) {user}
    UNION ALL
    SELECT 3, 'sign_fits_type', "userId", "id", "flightId", "productId", NULL, "amount" FROM "milesTransactions"
    WHERE NOT ("type" = 'earn' AND "amount" >= 0 OR "type" = 'spend' AND "amount" <= 0) {user}
    UNION ALL
    SELECT 4, 'one_award_a_flight', "userId", latest, "flightId", NULL, 1, standing FROM pair WHERE standing > 1
    UNION ALL
    SELECT 5, 'passenger_miles', n."userId", a.latest, n."flightId", NULL, n.miles, a.paid
    FROM unsettled n LEFT JOIN pair a ON a."flightId" = n."flightId" AND a."userId" = n."userId"
    WHERE a.standing = 1 AND n.miles IS NOT a.paid OR a.standing IS NULL AND n.miles <> 0
    UNION ALL
    SELECT 6, 'reversal_is_opposite', r."userId", r."id", r."flightId", r."productId", -e."amount", r."amount"
    FROM (SELECT * FROM "milesTransactions" WHERE "reversesId" IS NOT NULL {user}) r
        JOIN "milesTransactions" e ON e."id" = r."reversesId" AND (r."userId" <> e."userId" OR r."amount" <> -e."amount")
    UNION ALL
    SELECT 7, 'reversed_once', min("userId"), max("id"), NULL, NULL, 1, count(*)
    FROM "milesTransactions" WHERE "reversesId" IS NOT NULL {user} GROUP BY "reversesId" HAVING count(*) > 1
    UNION ALL
    SELECT 8, 'product_exists', e."userId", e."id", NULL, e."productId", NULL, e."amount" FROM "milesTransactions" e
    WHERE e."productId" IS NOT NULL AND e."reversesId" IS NULL {user_e}
        AND e."productId" NOT IN (SELECT "productId" FROM "milesProducts")
        AND NOT EXISTS (SELECT 1 FROM "milesTransactions" r WHERE r."reversesId" = e."id")
    UNION ALL
    -- Foreign keys may be switched off, or have been.
    SELECT 9, 'user_exists', l."userId", NULL, NULL, NULL, NULL, sum(l.total)
    FROM (SELECT "userId", total FROM ledger UNION ALL
        SELECT "userId", 0 FROM "flightPassengers" WHERE true {user} GROUP BY "userId") l
    WHERE NOT EXISTS (SELECT 1 FROM "users" u WHERE u."userId" = l."userId") GROUP BY l."userId"
)
SELECT f.invariant, f."userId", coalesce(u."username", '') AS "username", f."entryId", f."flightId", f."productId", f.expected, f.found,
    g."startedAt" IS NULL AND g."endTime" IS NOT NULL AS cancelled
FROM finding f LEFT JOIN "users" u ON u."userId" = f."userId" LEFT JOIN "flights" g ON g."id" = f."flightId"
ORDER BY f.place, f."userId", f."entryId", f."flightId"
