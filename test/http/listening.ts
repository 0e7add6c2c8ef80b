import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";

import { getRequestListener } from "@hono/node-server";
import { afterEach } from "vitest";

import { createListener } from "../../src/http/fast/direct.ts";
import { socketPeer } from "../../src/http/parts/peer.ts";
import { createDeparture } from "../../src/http/serving/departure.ts";
import type { Intake } from "../../src/http/serving/intake.ts";
import { createTestApp } from "./app.ts";

/** The two ways in which a request is answered: both must answer alike. */
export const WAYS = ["the app alone", "the app behind the direct routes"] as const;

export type Way = (typeof WAYS)[number];

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

/** The app behind a real socket. */
export async function listenOn(
  way: Way,
  parts: Parameters<typeof createTestApp>[0] = {},
  host = "127.0.0.1",
  overrides: Parameters<typeof createTestApp>[1] = {},
  intake?: Intake,
) {
  const fakes = createTestApp(parts, { peer: socketPeer, ...overrides });
  const app: RequestListener = getRequestListener(fakes.app.fetch, { autoCleanupIncoming: false });
  let passedOn = 0;
  const counted: RequestListener = (incoming, response) => {
    passedOn++;
    return app(incoming, response);
  };
  const server = createServer(
    way === "the app alone" ? app : createListener(fakes.options, counted, createDeparture(), intake),
  );
  server.listen(0, host);
  await once(server, "listening");
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  const { port } = server.address() as AddressInfo;
  return { ...fakes, port, origin: `http://127.0.0.1:${port}`, passedOn: () => passedOn };
}

/** Writes raw bytes to the server and reads until the given text has come or the connection ends. */
export async function exchange(port: number, parts: readonly string[], until: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  const done = new Promise<void>((resolve) => {
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (text.includes(until)) resolve();
    });
    socket.on("close", () => resolve());
    socket.on("error", () => resolve());
  });
  for (const part of parts) socket.write(part, "latin1");
  await done;
  socket.destroy();
  return text;
}
