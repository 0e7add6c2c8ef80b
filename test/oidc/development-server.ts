import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { createDevelopmentProvider, type DevelopmentProvider } from "../../src/oidc/development/provider.ts";
import type { SigningKey, SigningKeys } from "../../src/oidc/development/signing-keys.ts";

/** The development identity provider on a real server, with a page at `/callback` that shows nothing. */
export interface DevelopmentServer {
  readonly publicUrl: string;
  readonly provider: DevelopmentProvider;
  readonly faults: unknown[];
  close(): Promise<void>;
}

/** Options of {@link startDevelopmentServer}. */
export interface DevelopmentServerOptions {
  /** A path in front of everything. */
  readonly path?: string;
  readonly signingKeys?: SigningKeys;
  readonly port?: number;
}

/** Starts one on a free port of 127.0.0.1, or on the given one. */
export async function startDevelopmentServer(
  options: DevelopmentServerOptions = {},
): Promise<DevelopmentServer> {
  const faults: unknown[] = [];
  let provider: DevelopmentProvider | undefined;
  const server = createServer((request, response) => {
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    if (provider?.owns(path) === true) void provider.handler(request, response);
    else response.end("callback");
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const publicUrl = `http://127.0.0.1:${port}${options.path ?? ""}`;
  provider = await createDevelopmentProvider({
    publicUrl,
    signingKeys: options.signingKeys ?? memorySigningKeys(),
    cookieKeys: ["a cookie key for tests"],
    clients: {
      web: { id: "bakehouse", redirectUri: `${publicUrl}/callback` },
      cli: { id: "bakehouse-cli" },
    },
    onFault: (error) => faults.push(error),
  });
  return {
    publicUrl,
    provider,
    faults,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Signing keys that are kept in memory. */
export function memorySigningKeys(): SigningKeys {
  let saved: readonly SigningKey[] | undefined;
  return {
    load: async () => saved,
    async save(keys) {
      saved = keys;
    },
  };
}
