-- No data is lost. The schema skyteam stays: the record of the applied migrations stands in it.

DROP TRIGGER "milesTransactions_append_only" ON "milesTransactions";
DROP TRIGGER "users_miles_guard" ON "users";
DROP FUNCTION skyteam."milesTransactions_append_only"();
DROP FUNCTION skyteam."users_miles_guard"();
DROP INDEX "milesProducts_airlineId_idx";
DROP INDEX "milesTransactions_userId_createdAt_idx";
DROP INDEX "milesTransactions_flightId_idx";
DROP INDEX "flightPassengers_userId_idx";
DROP INDEX "flightPassengers_flightId_idx";
DROP INDEX "flights_airlineId_startTime_idx";
DROP INDEX "flights_codeshareAirlineId_idx";
DROP INDEX "flights_brandId_idx";
DROP INDEX "brands_airlineId_primary_unique";
DROP INDEX "brands_airlineId_idx";
ALTER TABLE "milesProducts" DROP CONSTRAINT "milesProducts_priceMiles_check";
ALTER TABLE "milesTransactions" DROP CONSTRAINT "milesTransactions_amount_check";
ALTER TABLE "flightPassengers" DROP CONSTRAINT "flightPassengers_miles_check";
ALTER TABLE "flightPassengers" DROP CONSTRAINT "flightPassengers_flightId_userId_pk";
