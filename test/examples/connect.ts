import { type Bakehouse, createBakehouse, Token } from "bakehouse";

/**
 * A client of the service that the environment names, with a platform's credential. `npm run example` sets both.
 *
 * @throws Error if a variable is missing
 */
export function connect(): Bakehouse {
  const { BAKEHOUSE_URL: url, BAKEHOUSE_CREDENTIAL: credential } = process.env;
  if (url === undefined || credential === undefined) {
    throw new Error("BAKEHOUSE_URL and BAKEHOUSE_CREDENTIAL are missing: npm run example sets them");
  }
  return createBakehouse({ url, credential });
}

/** An hour of alice's authority, as she gets it where she logs in. */
export async function tokenOfAlice(service: Bakehouse, ...caveats: readonly string[]): Promise<Token> {
  const issued = await service.issue({
    platform: "default",
    on_behalf_of: { subject: "alice" },
    ttl: 3600,
    caveats,
  });
  return Token.parse(issued.token);
}

/** Makes a request, and tells its outcome: the status, and of a refusal the reason. */
export async function tell(
  what: string,
  url: string,
  token: Token | undefined,
  body?: object,
): Promise<void> {
  const response = await fetch(url, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token.encode()}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const said: unknown = await response.json();
  const isProblem = typeof said === "object" && said !== null && "detail" in said;
  console.log(`${what}: ${response.status} ${isProblem ? said.detail : JSON.stringify(said)}`);
}
