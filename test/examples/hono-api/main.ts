import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

import { serve } from "@hono/node-server";
import { allow, createLocalVerifier } from "bakehouse";

import { connect, tell, tokenOfAlice } from "../connect.ts";
import { notesApi } from "./api.ts";

const service = connect();
const verifier = createLocalVerifier({ service });
await verifier.ready();
const server = serve({ fetch: notesApi(verifier).fetch, hostname: "127.0.0.1", port: 0 });
await once(server, "listening");
const notes = `http://127.0.0.1:${(server.address() as AddressInfo).port}/notes`;

const alice = await tokenOfAlice(service);
await tell("alice writes", `${notes}/shopping`, alice, { text: "bread" });

// Nobody is asked for a narrower token, and the API learns of it by its first request.
const reader = alice.delegate("reader", { caveats: [allow.action("read"), allow.resource("note:shop*")] });
await tell("her reader reads", `${notes}/shopping`, reader);
await tell("her reader reads a diary", `${notes}/diary`, reader);
await tell("her reader writes", `${notes}/shopping`, reader, { text: "cake" });
await tell("nobody reads", `${notes}/shopping`, undefined);

// Whoever holds a token can cut it off. The service refuses it from its answer on; this API answers by itself what it has seen
// allowed, so it does once the log has told it, a moment later.
await service.revoke({ token: reader.encode() }, { reason: "done" });
const headers = { authorization: `Bearer ${reader.encode()}` };
while ((await fetch(`${notes}/shopping`, { headers })).ok) await pause(20);
await tell("her reader reads again", `${notes}/shopping`, reader);
await tell("alice reads", `${notes}/shopping`, alice);

verifier.close();
server.close();
