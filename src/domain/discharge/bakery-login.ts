import { clear, type Facts } from "../../caveats/clear.ts";
import { compileCaveat } from "../../caveats/condition.ts";
import { instantFromMilliseconds } from "../../caveats/values/instant.ts";
import { newWork } from "../../caveats/values/work.ts";
import {
  addSealedCondition,
  attenuate,
  decodeBundle,
  encode,
  mint,
  sealCondition,
  type VerifiedChain,
  type VerifiedMacaroon,
  verify,
} from "../../macaroon/index.ts";
import { spokeAtOf } from "../access/authentication.ts";
import { createLoginCheck } from "../access/standing-login.ts";
import type { HumanCaller } from "../caller.ts";
import type { DischargeKeys } from "../keys/discharge-keys.ts";
import type { RootKeys } from "../keys/root-keys.ts";
import { DomainError } from "../parts/error.ts";
import { rfc3339 } from "../parts/instants.ts";
import { BAKERY_LOGIN_LIFE } from "../parts/lifetimes.ts";
import type { Clock } from "../ports/clock.ts";
import { SERVICE_PLATFORM } from "../ports/platforms.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import { nodeChain } from "../verify/node-hash.ts";
import { conditionsOf } from "../verify/verified-bundle.ts";
import { bakerySessionId } from "./bakery-session.ts";
import { ticketHash } from "./requests.ts";

/** Logging in to this service's own API with a stock client of macaroon-bakery. */
export interface BakeryLogins {
  challenge(): Promise<string>;
  caller(bundle: string): Promise<HumanCaller>;
}

const IDENTIFIER = /^bl1\.([A-Za-z0-9_-]{16})\.[A-Za-z0-9_-]{22}$/;
/**
 * A login and the caveats that a client narrowed it by. Anybody gets the macaroon, and can make it as long as any bundle: so it
 * is checked in one go, and has no more links than that takes.
 */
const LOGIN_LIMITS = { discharges: 4, caveats: 64 } as const;
/** Bytes of all its caveats and tickets. They are read before the session is looked for, and by nobody's allowance. */
const MOST_CAVEAT_BYTES = 8_192;
/** The ticket's place in the chain: behind `time <`, in the part that the issuer wrote. */
const TICKET_AT = 1;

/**
 * Makes and reads login macaroons.
 *
 * A login macaroon says nothing about anyone: it is good only with a discharge of its ticket, which this service
 * sealed to itself and discharges only by a person's confirmation. The session that the confirmation
 * began names the person, under the ticket's hash. So identity is never read from anything that a holder can append to.
 *
 * A caller by such a login is never an administrator, nor the person at a browser: a program may do less than
 * its person.
 *
 * @param loginIssuers all issuers that people log in with
 */
export function createBakeryLogins(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly rootKeys: RootKeys;
  readonly keys: DischargeKeys;
  readonly knowledge: Pick<RevocationKnowledge, "endsLogin">;
  readonly publicUrl: string;
  readonly loginIssuers: ReadonlySet<string>;
  readonly trustsDevelopment: boolean;
}): BakeryLogins {
  const { store, clock, randomness, rootKeys, keys } = options;
  const requireStandingLogin = createLoginCheck(options);

  function unauthenticated(reason: string): DomainError {
    return new DomainError("unauthenticated", reason);
  }

  return {
    async challenge() {
      const now = clock.now();
      await rootKeys.prepare(SERVICE_PLATFORM);
      const rootKey = rootKeys.signing(SERVICE_PLATFORM, now);
      if (rootKey === undefined) throw new DomainError("unavailable", "no root key has been made yet");
      const own = await keys.own();
      // Sealed with the service's own key on both sides: only this service can have written it.
      const pair = { publicKey: own.publicKey, privateKey: own.privateKey.reveal() };
      const login = sealCondition({ condition: "is-authenticated-user", ...pair }, randomness.bytes);
      if (login === undefined) throw new Error("the service's own discharge key is of low order");
      const random = Buffer.from(randomness.bytes(16)).toString("base64url");
      const root = mint({
        rootKey: rootKey.key.reveal(),
        identifier: `bl1.${rootKey.id}.${random}`,
        location: options.publicUrl,
      });
      const timed = attenuate(root, [`time < ${rfc3339(now + BAKERY_LOGIN_LIFE)}`]);
      return encode(addSealedCondition(timed, options.publicUrl, login, randomness.bytes), "v2-json");
    },

    async caller(text) {
      const decoded = decodeBundle(text, LOGIN_LIMITS);
      if (!decoded.ok) throw unauthenticated("the macaroons cannot be read");
      const [root, ...discharges] = decoded.macaroons;
      const [, keyId] = IDENTIFIER.exec(new TextDecoder().decode(root.identifier.subarray(0, 64))) ?? [];
      const rootKey = keyId === undefined ? undefined : await rootKeys.find(keyId, SERVICE_PLATFORM);
      if (rootKey?.platform !== SERVICE_PLATFORM) throw unauthenticated("no login of this service");
      const key = rootKey.key.reveal();
      const verified = verify({ root, discharges, rootKey: key, limits: LOGIN_LIMITS, chain: nodeChain });
      if (!verified.ok) throw unauthenticated("no login of this service");

      const { macaroon } = verified;
      if (bytesOf(macaroon) > MOST_CAVEAT_BYTES) throw unauthenticated("the login has too many caveats");
      const ticket = macaroon.caveats[TICKET_AT];
      if (macaroon.undischarged.length > 0 || ticket?.kind !== "third" || !passes(macaroon, clock.now())) {
        throw unauthenticated("the login has expired, or is not finished");
      }
      const session = await store.sessions.find(bakerySessionId(ticketHash(ticket.id)), clock.now());
      // A login ends with the trust in the issuer that it rests on, as a browser's session does.
      const trusted =
        session?.kind === "program" &&
        options.loginIssuers.has(session.identity.issuer) &&
        (!session.identity.development || options.trustsDevelopment);
      if (!trusted) throw unauthenticated("the login has expired, or is not finished");
      const { identity } = session;
      const spokeAt = spokeAtOf(session);
      requireStandingLogin({ identity, spokeAt });
      return { kind: "human", identity, administrator: false, spokeAt, program: session };
    },
  };
}

function bytesOf({ caveats, discharges }: VerifiedMacaroon): number {
  const chains = [caveats, ...discharges.map((one) => (one.state === "good" ? one.caveats : []))];
  return chains.flat().reduce((sum, { id }) => sum + id.length, 0);
}

/** Whether every discharge is bound, and nothing forbids a call without a context. Nothing is said of the cause. */
function passes(macaroon: VerifiedMacaroon, now: number): boolean {
  const facts = { now: instantFromMilliseconds(now), context: new Map() };
  const work = newWork();
  const failsNowhere = (chain: VerifiedChain, role: Pick<Facts, "macaroon" | "ancestors">) =>
    clear(conditionsOf(chain, compileCaveat), { ...facts, ...role }, work, 1).failures.length === 0;
  return (
    failsNowhere(macaroon, { macaroon: "root" }) &&
    macaroon.discharges.every(
      (discharge) =>
        discharge.state === "good" &&
        discharge.binding === "bound" &&
        failsNowhere(discharge, { macaroon: "discharge", ancestors: new Set() }),
    )
  );
}
