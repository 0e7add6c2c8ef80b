import type { Socket } from "node:net";

import type { Client } from "pg";

import { DomainError } from "../../domain/parts/error.ts";
import { ConnectError, ConnectTimeout, NoConnectionLeft } from "../engine/error.ts";
import { before } from "../engine/guard.ts";
import type { DatabaseAddress, HostAddress } from "../url/address.ts";
import { isThisMachine } from "../url/tls.ts";
import { ConnectFault } from "./fault.ts";
import { logIn } from "./login.ts";
import { explainRefusal, placeOf, type Refusal } from "./refusal.ts";
import { examine, type ServerFacts } from "./server-facts.ts";

/** A client that is logged in, and the known facts of its server. */
export interface LoggedIn {
  readonly client: Client;
  readonly facts: ServerFacts;
  readonly host: HostAddress;
  /** Ends it at once, in any state. */
  readonly destroy: () => void;
}

/** The facts from earlier connections to the same address. */
export interface Memory {
  /** The place of the host that was of use last. */
  host: number;
  /** Whether servers keep prepared statements for us. */
  prepares: boolean;
  /** Hosts of which was said that nothing is encrypted. */
  readonly warned: Set<string>;
}

/** Settings of a search for a host. */
export interface HostsOptions {
  readonly address: DatabaseAddress;
  readonly memory: Memory;
  /** How long one host may take, milliseconds. */
  readonly timeout: number;
  /** Told of a state that is no fault and yet not as one would want it. */
  readonly warn: (text: string) => void;
}

/**
 * Tries one host after another, the one that was of use last before the others, each with and without TLS as the URL says.
 *
 * Rejects with a DomainError `unavailable` if it may pass, with a {@link ConnectError} if somebody must change a
 * setting; the message is one line for people.
 */
export async function connectToAny({ address, memory, timeout, warn }: HostsOptions): Promise<LoggedIn> {
  const refusals: { readonly host: HostAddress; readonly refusal: Refusal }[] = [];
  for (const place of order(address, memory.host)) {
    const host = address.hosts[place];
    if (host === undefined) continue;
    try {
      const found = await connectTo(host, address, timeout);
      memory.host = place;
      if (!found.encrypted) warnOfPlain(found.host, address, memory.warned, warn);
      return found;
    } catch (error) {
      refusals.push({ host, refusal: explainRefusal(error, address) });
    }
  }
  const text = refusals
    .map(({ host, refusal }) => `database ${placeOf(host, address)}: ${refusal.text}`)
    .join("; ");
  if (refusals.some(({ refusal }) => refusal.full)) throw new NoConnectionLeft(text);
  if (refusals.every(({ refusal }) => refusal.late)) throw new ConnectTimeout(text);
  if (refusals.some(({ refusal }) => refusal.passing)) throw new DomainError("unavailable", text);
  throw new ConnectError(text, refusals.at(-1)?.refusal.sqlstate);
}

function order({ hosts, shuffled }: DatabaseAddress, first: number): readonly number[] {
  const places = hosts.map((_, place) => place);
  if (shuffled)
    return places
      .map((place) => ({ place, by: Math.random() }))
      .sort((a, b) => a.by - b.by)
      .map(({ place }) => place);
  return [first, ...places.filter((place) => place !== first)];
}

/** One host, with TLS and without, in the order of `sslmode`. */
async function connectTo(
  host: HostAddress,
  address: DatabaseAddress,
  timeout: number,
): Promise<LoggedIn & { readonly encrypted: boolean }> {
  const until = performance.now() + timeout;
  const { encryption } = address.tls;
  const attempts = ATTEMPTS[host.kind === "socket" ? "plain" : encryption];
  let failed: unknown;
  for (const encrypted of attempts) {
    try {
      return { ...(await attempt(host, address, encrypted, until)), encrypted };
    } catch (error) {
      failed ??= error;
      if (!mayTryOtherwise(error, encrypted)) break;
    }
  }
  throw failed;
}

const ATTEMPTS = {
  plain: [false],
  "plain first": [false, true],
  "tls first": [true, false],
  tls: [true],
} as const satisfies Record<DatabaseAddress["tls"]["encryption"], readonly boolean[]>;

/** Whether it may be the encryption, or its absence, that was refused. */
function mayTryOtherwise(error: unknown, encrypted: boolean): boolean {
  const code: unknown = typeof error === "object" && error !== null ? Reflect.get(error, "code") : undefined;
  if (code === "28000" || code === "08P01") return true;
  if (!encrypted) return false;
  const failedInTls = typeof code === "string" && /^(ERR_SSL|ERR_TLS|ERR_OSSL)_/.test(code);
  return failedInTls || (error instanceof ConnectFault && error.fault === "no TLS");
}

async function attempt(
  host: HostAddress,
  address: DatabaseAddress,
  encrypted: boolean,
  until: number,
): Promise<LoggedIn> {
  const sockets: Socket[] = [];
  const destroy = () => {
    for (const socket of sockets) socket.destroy();
  };
  try {
    const started = (socket: Socket) => sockets.push(socket);
    const client = await inTime(until, logIn({ address, host, encrypted, started }));
    const facts = await inTime(until, examine(client));
    if (facts.encoding !== "UTF8") throw new ConnectFault("encoding", facts.encoding);
    if (facts.standby && address.session !== "any") throw new ConnectFault("standby");
    return { client, facts, host, destroy };
  } catch (error) {
    destroy();
    throw error;
  }
}

function inTime<T>(until: number, promise: Promise<T>): Promise<T> {
  let late = false;
  return before(until, promise, () => {
    late = true;
  }).catch((error: unknown) => {
    throw late ? new ConnectFault("late") : error;
  });
}

function warnOfPlain(
  host: HostAddress,
  address: DatabaseAddress,
  warned: Set<string>,
  warn: (text: string) => void,
): void {
  const place = placeOf(host, address);
  if (isThisMachine(host) || address.tls.encryption === "plain" || warned.has(place)) return;
  warned.add(place);
  warn(
    `database ${place}: it offers no TLS, so nothing on the way is encrypted: switch it on there and write sslmode=verify-full, or write sslmode=disable`,
  );
}
