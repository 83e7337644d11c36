-- loses: milesProducts, milesTransactions, flightPassengers, flights, brands, airlines, users

DROP TABLE "milesProducts";
DROP TABLE "milesTransactions";
DROP TABLE "flightPassengers";
DROP TABLE "flights";
DROP TABLE "brands";
DROP TABLE "airlines";
DROP TABLE "users";
