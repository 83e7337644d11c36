-- The seven tables of the web shop, the REST API and the Discord bot, in SQLite's own types: a UUID is its lower-case
-- text, a timestamp PostgreSQL's text form in UTC, a boolean 0 or 1.

CREATE TABLE "users" (
  "userId" TEXT NOT NULL,
  "username" TEXT NOT NULL,
  "displayName" TEXT NOT NULL,
  "miles" INTEGER NOT NULL DEFAULT 0,
  "avatarUrl" TEXT,
  "createdAt" TEXT NOT NULL DEFAULT (rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.')),
  "updatedAt" TEXT NOT NULL DEFAULT (rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.')),
  CONSTRAINT "users_pkey" PRIMARY KEY ("userId"),
  CONSTRAINT "users_username_unique" UNIQUE ("username")
) STRICT;

CREATE TABLE "airlines" (
  "airlineId" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "token" TEXT NOT NULL,
  "inviteLink" TEXT NOT NULL DEFAULT 'https://discord.gg/skyteam',
  "serverId" TEXT NOT NULL DEFAULT '1122953128703168532',
  "createdAt" TEXT NOT NULL DEFAULT (rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.')),
  "updatedAt" TEXT NOT NULL DEFAULT (rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.')),
  CONSTRAINT "airlines_pkey" PRIMARY KEY ("airlineId"),
  CONSTRAINT "airlines_token_unique" UNIQUE ("token")
) STRICT;

CREATE TABLE "brands" (
  "brandId" TEXT NOT NULL,
  "airlineId" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "iata" TEXT NOT NULL,
  "icao" TEXT NOT NULL,
  "callsign" TEXT NOT NULL,
  "isPrimary" INTEGER NOT NULL DEFAULT 0,
  "logoUrl" TEXT DEFAULT 'https://files.skyteam.dev/api/public/dl/kiLB84P2?inline=true',
  "accentColor" TEXT NOT NULL DEFAULT '#2ea5f7',
  "secondaryColor" TEXT NOT NULL DEFAULT '#242429',
  "elementColor" TEXT NOT NULL DEFAULT '#fbfbfb',
  CONSTRAINT "brands_pkey" PRIMARY KEY ("brandId"),
  CONSTRAINT "brands_iata_unique" UNIQUE ("iata"),
  CONSTRAINT "brands_icao_unique" UNIQUE ("icao"),
  CONSTRAINT "brands_callsign_unique" UNIQUE ("callsign"),
  CONSTRAINT "brands_airlineId_airlines_airlineId_fk" FOREIGN KEY ("airlineId") REFERENCES "airlines" ("airlineId")
) STRICT;

CREATE TABLE "flights" (
  "id" TEXT NOT NULL DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', (random() & 3) + 1, 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
  "code" TEXT NOT NULL,
  "gameId" TEXT NOT NULL,
  "aircraft" TEXT NOT NULL,
  "airlineId" TEXT NOT NULL,
  "brandId" TEXT NOT NULL,
  "startTime" TEXT NOT NULL DEFAULT (rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.')),
  "endTime" TEXT,
  "codeshareAirlineId" TEXT,
  "departure" TEXT NOT NULL,
  "arrival" TEXT NOT NULL,
  "startedAt" TEXT,
  "discordEventLink" TEXT NOT NULL DEFAULT 'https://discord.gg/skyteam',
  CONSTRAINT "flights_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "flights_airlineId_airlines_airlineId_fk" FOREIGN KEY ("airlineId") REFERENCES "airlines" ("airlineId"),
  CONSTRAINT "flights_brandId_brands_brandId_fk" FOREIGN KEY ("brandId") REFERENCES "brands" ("brandId"),
  CONSTRAINT "flights_codeshareAirlineId_airlines_airlineId_fk" FOREIGN KEY ("codeshareAirlineId") REFERENCES "airlines" ("airlineId")
) STRICT;

CREATE TABLE "flightPassengers" (
  "flightId" TEXT NOT NULL,
  "userId" TEXT NOT NULL,
  "miles" INTEGER NOT NULL,
  "joinedAt" TEXT NOT NULL DEFAULT (rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.')),
  CONSTRAINT "flightPassengers_flightId_flights_id_fk" FOREIGN KEY ("flightId") REFERENCES "flights" ("id"),
  CONSTRAINT "flightPassengers_userId_users_userId_fk" FOREIGN KEY ("userId") REFERENCES "users" ("userId")
) STRICT;

CREATE TABLE "milesTransactions" (
  "id" TEXT NOT NULL DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', (random() & 3) + 1, 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
  "userId" TEXT NOT NULL,
  "amount" INTEGER NOT NULL,
  "type" TEXT NOT NULL,
  "source" TEXT NOT NULL,
  "flightId" TEXT,
  "productId" TEXT,
  "note" TEXT,
  "createdAt" TEXT NOT NULL DEFAULT (rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.')),
  CONSTRAINT "milesTransactions_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "milesTransactions_userId_users_userId_fk" FOREIGN KEY ("userId") REFERENCES "users" ("userId"),
  CONSTRAINT "milesTransactions_flightId_flights_id_fk" FOREIGN KEY ("flightId") REFERENCES "flights" ("id")
) STRICT;

CREATE TABLE "milesProducts" (
  "productId" TEXT NOT NULL,
  "airlineId" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "description" TEXT,
  "priceMiles" INTEGER NOT NULL,
  "active" INTEGER NOT NULL DEFAULT 1,
  "createdAt" TEXT NOT NULL DEFAULT (rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.')),
  CONSTRAINT "milesProducts_pkey" PRIMARY KEY ("productId"),
  CONSTRAINT "milesProducts_airlineId_airlines_airlineId_fk" FOREIGN KEY ("airlineId") REFERENCES "airlines" ("airlineId")
) STRICT;
