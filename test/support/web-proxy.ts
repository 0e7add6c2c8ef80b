import { createServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";

/** A proxy for the web: tunnels for https (RFC 9110 §9.3.6), and whole addresses for http. */
export interface WebProxy {
  readonly url: string;
  /** What was asked for, oldest first: `CONNECT host:port`, or a method and an address. */
  readonly asked: string[];
  /** `Proxy-Authorization` of each. */
  readonly credentials: (string | undefined)[];
  close(): Promise<void>;
}

/**
 * Starts one on 127.0.0.1.
 *
 * @param port where every tunnel and request leads, whatever host was asked for
 * @param refusal the status with which tunnels are refused
 */
export async function startWebProxy(port: number, refusal?: number): Promise<WebProxy> {
  const asked: string[] = [];
  const credentials: (string | undefined)[] = [];
  const server = createServer((incoming, response) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    credentials.push(incoming.headers["proxy-authorization"]);
    const { pathname, search } = new URL(incoming.url ?? "/", "http://127.0.0.1");
    const { method = "GET", headers } = incoming;
    const onward = request({ host: "127.0.0.1", port, method, path: `${pathname}${search}`, headers });
    onward.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    incoming.pipe(onward);
  });
  const tunnels = new Set<Duplex>();
  server.on("connect", (incoming, client) => {
    tunnels.add(client);
    asked.push(`CONNECT ${incoming.url}`);
    credentials.push(incoming.headers["proxy-authorization"]);
    client.on("error", () => client.destroy());
    if (refusal !== undefined) {
      client.end(`HTTP/1.1 ${refusal} No\r\n\r\n`);
      return;
    }
    const onward = connect(port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      client.pipe(onward).pipe(client);
    });
    onward.on("error", () => client.destroy());
    client.on("close", () => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    credentials,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      for (const tunnel of tunnels) tunnel.destroy();
      await closed;
    },
  };
}
