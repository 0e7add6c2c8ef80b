import { once } from "node:events";
import type { AddressInfo } from "node:net";

import { allow, atMost, equals, when } from "bakehouse";

import { connect, tell, tokenOfAlice } from "../connect.ts";
import { toolServer } from "./tools.ts";

const service = connect();
const server = toolServer(service).listen(0, "127.0.0.1");
await once(server, "listening");
const tools = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tools`;

// Each limit is of one tool. Without `when` a search would be refused, since it has no amount.
const agent = (await tokenOfAlice(service, allow.tool("search", "pay"))).delegate("shopper", {
  caveats: [
    when("tool", "pay", atMost("args.amount", 40)),
    when("tool", "pay", equals("args.to", "printers")),
  ],
  ttl: 600,
});
console.log(
  agent
    .inspect()
    .caveats.slice(-3, -1)
    .map(({ text }) => text),
);

await tell("search", `${tools}/search`, agent, { query: "paper" });
await tell("pay", `${tools}/pay`, agent, { amount: 40, to: "printers" });
await tell("pay more", `${tools}/pay`, agent, { amount: 250, to: "printers" });
await tell("pay mallory", `${tools}/pay`, agent, { amount: 4, to: "mallory" });
await tell("pay somebody", `${tools}/pay`, agent, { amount: 4 });
await tell("deploy", `${tools}/deploy`, agent, {});

server.close();
