import { once } from "node:events";
import type { AddressInfo } from "node:net";

import { allow, atMost, createLocalVerifier, when } from "bakehouse";

import { connect, tell, tokenOfAlice } from "../connect.ts";
import { ordersApi } from "./api.ts";

const service = connect();
const verifier = createLocalVerifier({ service });
await verifier.ready();
const server = ordersApi(verifier).listen(0, "127.0.0.1");
await once(server, "listening");
const orders = `http://127.0.0.1:${(server.address() as AddressInfo).port}/orders`;

// The limit is of orders alone. Without `when` reading would be refused, since it has no amount.
const buyer = (await tokenOfAlice(service)).delegate("buyer", {
  caveats: [allow.action("read", "order"), when("action", "order", atMost("args.amount", 40))],
});
await tell("the buyer orders", orders, buyer, { amount: 30 });
await tell("the buyer orders more", orders, buyer, { amount: 50 });
await tell("the buyer orders something", orders, buyer, {});
await tell("the buyer reads", orders, buyer);
await tell("nobody reads", orders, undefined);

verifier.close();
server.close();
