import { readFileSync } from "node:fs";
import { request } from "node:https";
import { type AddressInfo, connect, createServer } from "node:net";

import { makeCertificates } from "../../support/certificates.ts";
import { startFakeIssuer } from "../../support/fake-issuer.ts";

const HOST = "login.example.com";

/** An identity provider on this machine that containers reach by its name. */
export interface HostIssuer {
  readonly host: string;
  readonly issuer: string;
  readonly port: number;
  /** The file with the certificate that its own is signed by. */
  readonly authority: string;
  /** Does as a browser that is sent to it. @returns the address to which it sends back */
  visit(url: URL): Promise<string>;
}

/** Starts one: the issuer of the tests, behind a port that is open to containers. */
export async function startHostIssuer(): Promise<HostIssuer> {
  let inner = 0;
  const door = createServer((client) => {
    const server = connect(inner, "127.0.0.1");
    client.pipe(server).pipe(client);
    client.on("error", () => server.destroy());
    server.on("error", () => client.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    door.once("error", reject).listen(0, resolve);
  });
  const { port } = door.address() as AddressInfo;
  const { authority, certificate, key } = makeCertificates(HOST);
  const publicOrigin = `https://${HOST}:${port}`;
  const issuer = await startFakeIssuer({ tls: { key, cert: certificate }, publicOrigin });
  inner = Number(new URL(issuer.url).port);
  return {
    host: HOST,
    issuer: issuer.issuer,
    port,
    authority,
    visit: (url) =>
      new Promise((resolve, reject) => {
        const trusted = { ca: readFileSync(authority), servername: HOST };
        const asked = request({ ...trusted, host: "127.0.0.1", port, path: `${url.pathname}${url.search}` });
        asked.on("error", reject).on("response", (response) => {
          response.resume();
          resolve(response.headers.location ?? "");
        });
        asked.end();
      }),
  };
}
