-- loses: milesProducts, milesTransactions, flightPassengers, flights, brands, users, airlines

DROP TABLE "milesProducts";
DROP TABLE "milesTransactions";
DROP TABLE "flightPassengers";
DROP TABLE "flights";
DROP TABLE "brands";
DROP TABLE "users";
DROP TABLE "airlines";
