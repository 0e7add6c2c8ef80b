module bakehouse/bench

go 1.19

require gopkg.in/macaroon.v2 v2.1.0
