-- The seven tables as Drizzle Kit makes them for the web shop, the REST API and the Discord bot.

CREATE TABLE "users" (
  "userId" text NOT NULL,
  "username" text NOT NULL,
  "displayName" text NOT NULL,
  "miles" integer DEFAULT 0 NOT NULL,
  "avatarUrl" text,
  "createdAt" timestamp without time zone DEFAULT now() NOT NULL,
  "updatedAt" timestamp without time zone DEFAULT now() NOT NULL,
  CONSTRAINT "users_pkey" PRIMARY KEY ("userId"),
  CONSTRAINT "users_username_unique" UNIQUE ("username")
);

CREATE TABLE "airlines" (
  "airlineId" text NOT NULL,
  "name" text NOT NULL,
  "token" text NOT NULL,
  "inviteLink" text DEFAULT 'https://discord.gg/skyteam' NOT NULL,
  "serverId" text DEFAULT '1122953128703168532' NOT NULL,
  "createdAt" timestamp without time zone DEFAULT now() NOT NULL,
  "updatedAt" timestamp without time zone DEFAULT now() NOT NULL,
  CONSTRAINT "airlines_pkey" PRIMARY KEY ("airlineId"),
  CONSTRAINT "airlines_token_unique" UNIQUE ("token")
);

CREATE TABLE "brands" (
  "brandId" text NOT NULL,
  "airlineId" text NOT NULL,
  "name" text NOT NULL,
  "iata" text NOT NULL,
  "icao" text NOT NULL,
  "callsign" text NOT NULL,
  "isPrimary" boolean DEFAULT false NOT NULL,
  "logoUrl" text DEFAULT 'https://files.skyteam.dev/api/public/dl/kiLB84P2?inline=true',
  "accentColor" text DEFAULT '#2ea5f7' NOT NULL,
  "secondaryColor" text DEFAULT '#242429' NOT NULL,
  "elementColor" text DEFAULT '#fbfbfb' NOT NULL,
  CONSTRAINT "brands_pkey" PRIMARY KEY ("brandId"),
  CONSTRAINT "brands_iata_unique" UNIQUE ("iata"),
  CONSTRAINT "brands_icao_unique" UNIQUE ("icao"),
  CONSTRAINT "brands_callsign_unique" UNIQUE ("callsign")
);

CREATE TABLE "flights" (
  "id" uuid DEFAULT gen_random_uuid() NOT NULL,
  "code" text NOT NULL,
  "gameId" text NOT NULL,
  "aircraft" text NOT NULL,
  "airlineId" text NOT NULL,
  "brandId" text NOT NULL,
  "startTime" timestamp without time zone DEFAULT now() NOT NULL,
  "endTime" timestamp without time zone,
  "codeshareAirlineId" text,
  "departure" text NOT NULL,
  "arrival" text NOT NULL,
  "startedAt" timestamp without time zone,
  "discordEventLink" text DEFAULT 'https://discord.gg/skyteam' NOT NULL,
  CONSTRAINT "flights_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "flightPassengers" (
  "flightId" uuid NOT NULL,
  "userId" text NOT NULL,
  "miles" integer NOT NULL,
  "joinedAt" timestamp without time zone DEFAULT now() NOT NULL
);

CREATE TABLE "milesTransactions" (
  "id" uuid DEFAULT gen_random_uuid() NOT NULL,
  "userId" text NOT NULL,
  "amount" integer NOT NULL,
  "type" text NOT NULL,
  "source" text NOT NULL,
  "flightId" uuid,
  "productId" text,
  "note" text,
  "createdAt" timestamp without time zone DEFAULT now() NOT NULL,
  CONSTRAINT "milesTransactions_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "milesProducts" (
  "productId" text NOT NULL,
  "airlineId" text NOT NULL,
  "name" text NOT NULL,
  "description" text,
  "priceMiles" integer NOT NULL,
  "active" boolean DEFAULT true NOT NULL,
  "createdAt" timestamp without time zone DEFAULT now() NOT NULL,
  CONSTRAINT "milesProducts_pkey" PRIMARY KEY ("productId")
);

ALTER TABLE "brands" ADD CONSTRAINT "brands_airlineId_airlines_airlineId_fk" FOREIGN KEY ("airlineId") REFERENCES "airlines" ("airlineId");

ALTER TABLE "flights" ADD CONSTRAINT "flights_airlineId_airlines_airlineId_fk" FOREIGN KEY ("airlineId") REFERENCES "airlines" ("airlineId");

ALTER TABLE "flights" ADD CONSTRAINT "flights_brandId_brands_brandId_fk" FOREIGN KEY ("brandId") REFERENCES "brands" ("brandId");

ALTER TABLE "flights" ADD CONSTRAINT "flights_codeshareAirlineId_airlines_airlineId_fk" FOREIGN KEY ("codeshareAirlineId") REFERENCES "airlines" ("airlineId");

ALTER TABLE "flightPassengers" ADD CONSTRAINT "flightPassengers_flightId_flights_id_fk" FOREIGN KEY ("flightId") REFERENCES "flights" ("id");

ALTER TABLE "flightPassengers" ADD CONSTRAINT "flightPassengers_userId_users_userId_fk" FOREIGN KEY ("userId") REFERENCES "users" ("userId");

ALTER TABLE "milesTransactions" ADD CONSTRAINT "milesTransactions_userId_users_userId_fk" FOREIGN KEY ("userId") REFERENCES "users" ("userId");

ALTER TABLE "milesTransactions" ADD CONSTRAINT "milesTransactions_flightId_flights_id_fk" FOREIGN KEY ("flightId") REFERENCES "flights" ("id");

ALTER TABLE "milesProducts" ADD CONSTRAINT "milesProducts_airlineId_airlines_airlineId_fk" FOREIGN KEY ("airlineId") REFERENCES "airlines" ("airlineId");
