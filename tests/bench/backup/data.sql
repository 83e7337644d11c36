-- The data set of the backup benchmark: 200 000 users, 50 000 flights, 2 000 000 passengers and 3 000 000 ledger
-- entries, a third of them with notes. Deterministic: keys are hashes of counters, no random() anywhere. Runs on an
-- empty database of the current schema; the balances agree with the ledger, so that `miles audit` passes.
--
--     psql -v ON_ERROR_STOP=1 -v scale=1 -f data.sql
--
-- `scale` divides every count; 100 makes a data set that a test can afford.
\set ON_ERROR_STOP on
\if :{?scale}
\else
\set scale 1
\endif
BEGIN;
SET LOCAL synchronous_commit = off;
SET LOCAL search_path = public;

INSERT INTO airlines ("airlineId", name, token, "createdAt", "updatedAt")
SELECT 'airline' || a, 'Airline ' || a, 'bench' || md5('token' || a), timestamp '2024-01-01' + a * interval '1 day',
       timestamp '2024-01-01' + a * interval '1 day'
FROM generate_series(1, 20) AS a;

INSERT INTO brands ("brandId", "airlineId", name, iata, icao, callsign, "isPrimary")
SELECT 'brand' || b, 'airline' || ((b - 1) % 20 + 1), 'Brand ' || b, chr(65 + b % 26) || (b / 26)::text,
       chr(65 + b % 26) || chr(65 + b / 26) || 'X', 'CALLSIGN ' || b, b <= 20
FROM generate_series(1, 40) AS b;

INSERT INTO "milesProducts" ("productId", "airlineId", name, "priceMiles", "createdAt")
SELECT lpad(to_hex(p * 9973), 6, '0'), 'airline' || ((p - 1) % 20 + 1), 'Product ' || p, 100 + p % 17 * 50,
       timestamp '2024-02-01' + p * interval '1 hour'
FROM generate_series(1, 200) AS p;

INSERT INTO users ("userId", username, "displayName", miles, "avatarUrl", "createdAt", "updatedAt")
SELECT (100000 + u::bigint * 15013)::text, 'pilot' || u, 'Pilot ' || md5('name' || u)::varchar(8), 0,
       CASE WHEN u % 4 <> 0 THEN 'https://tr.rbxcdn.com/30DAY-AvatarHeadshot-' || upper(md5('avatar' || u)) || '-Png/150/150' END,
       timestamp '2024-03-01' + u * interval '97.531 seconds', timestamp '2025-03-01' + u * interval '61.117 seconds'
FROM generate_series(1, 200000 / :scale) AS u;

INSERT INTO flights (id, code, "gameId", aircraft, "airlineId", "brandId", "startTime", "endTime", "codeshareAirlineId",
                     departure, arrival, "startedAt")
SELECT md5('flight' || f)::uuid, 'SK' || (f % 9999 + 1), (6000000000 + f % 37)::text,
       (ARRAY['A320', 'A359', 'B738', 'B77W', 'A21N', 'E190'])[f % 6 + 1], 'airline' || (f % 20 + 1), 'brand' || (f % 20 + 1),
       timestamp '2024-06-01' + f * interval '15 minutes', timestamp '2024-06-01' + f * interval '15 minutes' + interval '2 hours',
       CASE WHEN f % 11 = 0 THEN 'airline' || ((f + 1) % 20 + 1) END,
       (ARRAY['AMS', 'CDG', 'ATL', 'ICN', 'CPH', 'JFK', 'MEX', 'NBO'])[f % 8 + 1],
       (ARRAY['LHR', 'MAD', 'SEA', 'HND', 'ARN', 'FCO', 'SVO', 'CAI'])[f / 8 % 8 + 1],
       timestamp '2024-06-01' + f * interval '15 minutes' + interval '3 minutes'
FROM generate_series(1, 50000 / :scale) AS f;

-- Forty passengers a flight, none twice: the stride is prime to the number of users.
INSERT INTO "flightPassengers" ("flightId", "userId", miles, "joinedAt")
SELECT md5('flight' || f)::uuid,
       (100000 + ((f::bigint * 7919 + s * 4999) % (200000 / :scale) + 1) * 15013)::text,
       250 + (f + s) % 5 * 250,
       timestamp '2024-06-01' + f * interval '15 minutes' + s * interval '1.234567 seconds'
FROM generate_series(1, 50000 / :scale) AS f, generate_series(1, 40) AS s
ORDER BY f, s;

INSERT INTO "milesTransactions" (id, "userId", amount, type, source, "flightId", "createdAt", actor)
SELECT md5('earn' || "flightId" || "userId")::uuid, "userId", miles, 'earn', 'flight', "flightId",
       "joinedAt" + interval '2 hours', 'bot'
FROM "flightPassengers";

INSERT INTO "milesTransactions" (id, "userId", amount, type, source, "productId", note, "createdAt", actor)
SELECT md5('other' || n)::uuid, (100000 + ((n - 1) % (200000 / :scale) + 1)::bigint * 15013)::text,
       CASE WHEN n % 2 = 0 THEN 300 + n % 7 * 10 ELSE -(100 + n % 13 * 10) END,
       CASE WHEN n % 2 = 0 THEN 'earn' ELSE 'spend' END,
       CASE WHEN n % 2 = 0 THEN 'award' ELSE 'purchase' END,
       CASE WHEN n % 2 = 1 THEN lpad(to_hex((n % 200 + 1) * 9973), 6, '0') END,
       'Entry ' || n || ': ' || (ARRAY['event of the week', 'thank you for flying with us', 'lounge access', 'seat upgrade — 好运'])[n % 4 + 1]
           || ' ' || md5('note' || n)::varchar(12),
       timestamp '2025-01-01' + n * interval '13.000711 seconds', 'ops'
FROM generate_series(1, 1000000 / :scale) AS n;

-- Version 2 guards the balance; maintenance is not needed, as every balance here ends above zero.
UPDATE users SET miles = s.total
FROM (SELECT "userId", sum(amount)::int AS total FROM "milesTransactions" GROUP BY 1) AS s
WHERE s."userId" = users."userId";
COMMIT;
VACUUM ANALYZE;
