import { narrow } from "../../support/service-macaroons.ts";
import type { WorstInput } from "./worst-inputs.ts";

/** Something that an attacker does without end. */
export interface Flood {
  /** The row of the list of holes that it belongs to. */
  readonly row: number;
  readonly name: string;
  readonly requests: readonly Uint8Array[];
  readonly connections: number;
  /** Milliseconds that a connection waits before it sends again. */
  readonly pause: number;
  readonly stalls?: boolean;
  /** Requests a second that it comes to, no more and hardly fewer. */
  readonly perSecond?: number;
  /**
   * Whether it takes a platform's credential. How long others wait behind such a caller is told and not judged: the same
   * caller may ask for as much work rightly, and is known by name.
   */
  readonly isKnown?: boolean;
}

/** What an attacker has. */
export interface Loot {
  readonly port: number;
  /** A platform's credential. */
  readonly credential: string;
  /** Requests a second that valid callers make. */
  readonly rate: number;
  /** A token of that platform. */
  readonly token: string;
  /** A token that carries a ticket of this service, and the ticket (base64url). */
  readonly gated: string;
  readonly ticket: string;
}

const MIB = 1024 * 1024;

function request(
  { port }: Loot,
  method: string,
  path: string,
  body = "",
  headers: Readonly<Record<string, string>> = {},
): Uint8Array {
  const all = { host: `127.0.0.1:${port}`, "content-length": String(Buffer.byteLength(body)), ...headers };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${head.join("")}\r\n${body}`);
}

const FORM = { "content-type": "application/x-www-form-urlencoded" };
const JSON_TYPE = { "content-type": "application/json" };

/** Texts that are no tokens, each in another way. */
const MALFORMED: readonly string[] = [
  "AAAA",
  "A".repeat(4_000),
  `AgEIYmgxLg${"A".repeat(400)}`,
  "eyJhbGciOiJub25lIn0.e30.",
  "MDAxOGxvY2F0aW9uIHg",
  `Ag${"_".repeat(4_000)}`,
];

/** How many times as many as valid callers make. */
const TIMES = 10;

/** The floods of rows 2, 6, 9 and 11, and three of a caller who holds a credential. */
export function floods(loot: Loot, inputs: readonly WorstInput[]): readonly Flood[] {
  const { credential, token, gated, ticket, rate } = loot;
  const json = (path: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
    request(loot, "POST", path, JSON.stringify(body), { ...JSON_TYPE, ...headers });
  const bearer = { authorization: `Bearer ${credential}` };
  const pairs = "a&".repeat(MIB / 2);
  const times = <T>(count: number, make: (index: number) => T) =>
    Array.from({ length: count }, (_, at) => make(at));
  const BATCHES = ["batch: a million values", "batch: as many values as may be"];
  const batches = inputs.filter(({ name }) => BATCHES.includes(name));
  const tenfold = { row: 2, connections: Math.ceil(rate / 2), pause: 0, perSecond: rate * TIMES };
  const revocations = inputs.filter(({ name }) => name === "revoke: 10,000 agents");
  return [
    {
      row: 2,
      name: "forms of half a million parameters",
      requests: [request(loot, "POST", "/oauth/revoke", pairs, FORM)],
      connections: 3,
      pause: 20,
    },
    {
      row: 2,
      name: "forms and queries as large as they may be",
      requests: [
        request(loot, "POST", "/oauth/revoke", `${"a=".repeat(7)}token=${"%41".repeat(30_000)}`, FORM),
        request(loot, "GET", `/login?a=${"%41".repeat(5_000)}`),
        request(loot, "GET", `/readyz?${times(32, (at) => `p${at}=${"a".repeat(400)}`).join("&")}`),
      ],
      connections: 8,
      pause: 20,
    },
    {
      row: 2,
      name: "revocations of 10,000 targets, by nobody",
      requests: [json("/v1/revocations", { targets: Array(10_000).fill({ token: "t" }) })],
      connections: 3,
      pause: 20,
    },
    {
      row: 6,
      name: "a descendant revokes what it mints",
      requests: times(500, (at) =>
        json("/v1/revocations", { targets: [{ token: narrow(token, "a = b", `x = ${at}`) }] }),
      ),
      connections: 8,
      pause: 20,
    },
    {
      row: 9,
      name: "asks for approvals, by nobody and by a rogue agent",
      requests: [
        json("/v1/discharge", { caveat_id: ticket }),
        ...times(200, (at) =>
          json("/v1/discharge", { caveat_id: ticket, token: narrow(gated, "agent = rogue", `x = ${at}`) }),
        ),
      ],
      connections: 8,
      pause: 20,
    },
    {
      row: 11,
      name: "1,500 bodies that stall at the last byte",
      requests: [json("/v1/discharge", { caveat_id: "A".repeat(200_000) })],
      connections: 1_500,
      pause: 200,
      stalls: true,
    },
    {
      ...tenfold,
      name: "malformed tokens, by nobody",
      requests: MALFORMED.flatMap((text) => [
        json("/v1/verify", { token, context: {} }, { authorization: `Bearer ${text}` }),
        json("/v1/revocations", { targets: [{ token: text }] }),
      ]),
    },
    {
      ...tenfold,
      name: "malformed tokens that a platform has verified",
      requests: MALFORMED.map((text) => json("/v1/verify", { token: text, context: {} }, bearer)),
      isKnown: true,
    },
    {
      row: 2,
      name: "batches of 16 MiB, by a platform",
      requests: batches.map(({ path, body }) =>
        request(loot, "POST", path, body, { ...JSON_TYPE, ...bearer }),
      ),
      connections: 3,
      pause: 20,
      isKnown: true,
    },
    {
      row: 2,
      name: "revocations of 10,000 targets, by a platform",
      requests: revocations.map(({ path, body }) =>
        request(loot, "POST", path, body, { ...JSON_TYPE, ...bearer }),
      ),
      connections: 2,
      pause: 500,
      isKnown: true,
    },
  ];
}
