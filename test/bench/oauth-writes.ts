import { createHash, randomBytes } from "node:crypto";

import { createSealing } from "../../src/domain/keys/sealing.ts";
import { createOAuthSecrets } from "../../src/domain/oauth/secrets.ts";
import { systemRandomness } from "../../src/run/system.ts";
import { quantile, workers } from "../revocation/hammer.ts";
import { newFleet, openServerStore, person, platformCaller, startReplica } from "../support/replica.ts";

/** Figures of each round. */
export interface Redeems {
  /** Writes a second at 64 callers: tokens by REST, by codes, and by refresh tokens. */
  readonly issue: readonly number[];
  readonly code: readonly number[];
  readonly refresh: readonly number[];
  /** p99 of one revoke after the other, milliseconds: by themselves, and during redeems at 64 callers. */
  readonly revokeAlone: readonly number[];
  readonly revokeInStorm: readonly number[];
}

const CALLERS = 64;
const RESOURCE = "https://mcp.example.com/mcp";
const REDIRECT = "https://app.example/cb";
const RULE = {
  issuer: null,
  groups: null,
  subjects: null,
  caveats: [],
  maxTtl: 86_400,
  session: 86_400,
  onBehalfOf: true,
};
const MINUTES = 60_000;
/** Codes that one transaction makes. */
const CHUNK = 500;
/** More than a second could redeem: a round without a code left would measure something else. */
const MOST_A_SECOND = 8_000;

/** The token endpoint's use case on Postgres beside that of issuing, all in this process, and revokes under its load. */
export async function measureRedeems(
  url: string,
  { rounds, milliseconds }: { readonly rounds: number; readonly milliseconds: number },
): Promise<Redeems> {
  const fleet = newFleet();
  const store = await openServerStore(url);
  const replica = await startReplica({ store, fleet });
  const { service } = replica.composed;
  const sealing = createSealing({
    masterKey: fleet.masterKey,
    previous: undefined,
    randomness: systemRandomness,
  });
  const secrets = createOAuthSecrets({ sealing, randomness: systemRandomness });
  const admin = person("root", true);
  await service.policies.put(admin, "default", { rules: [RULE] }, undefined);
  await service.resources.setHosts(admin, "default", ["mcp.example.com"]);
  await service.resources.register(admin, "default", {
    resource: RESOURCE,
    name: "Files",
    scopes: [{ scope: "files:read", description: "Read your files" }],
    caveats: [],
    maxTtl: null,
    acceptUnbound: false,
  });
  const { client } = await service.clients.create(admin, {
    name: "Bench",
    redirectUris: [REDIRECT],
    authMethod: "none",
    jwks: undefined,
  });
  const verifier = randomBytes(32).toString("base64url");
  const challenge = createHash("sha256").update(verifier).digest("base64url");

  /** Codes as consents make them, of a few people. */
  async function makeCodes(count: number): Promise<string[]> {
    const made = Array.from({ length: count }, () => secrets.code());
    for (let from = 0; from < count; from += CHUNK) {
      await store.transaction("bench codes", async ({ oauth, now }) => {
        const createdAt = await now();
        for (const [index, { hash }] of made.slice(from, from + CHUNK).entries()) {
          await oauth.insertCode({
            clientId: client.id,
            proven: false,
            platform: "default",
            resource: RESOURCE,
            scopes: ["files:read"],
            identity: person(`person-${index % 20}`).identity,
            spokeAt: createdAt,
            keyId: null,
            hash,
            redirectUri: REDIRECT,
            challenge,
            createdAt,
            expiresAt: createdAt + 60 * MINUTES,
          });
        }
      });
    }
    return made.map(({ text }) => text);
  }

  async function ask(grant: Readonly<Record<string, string>>): Promise<string | undefined> {
    const parameters = Object.entries({ ...grant, client_id: client.id });
    const answer = await service.oauth.token({ parameters, authorization: undefined, from: "192.0.2.1" });
    return (JSON.parse(answer) as { readonly refresh_token?: string }).refresh_token;
  }
  const redeem = (code: string) =>
    ask({ grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: REDIRECT });
  async function refresh(token: string): Promise<string> {
    const next = await ask({ grant_type: "refresh_token", refresh_token: token });
    if (next === undefined) throw new Error("no refresh token");
    return next;
  }

  /** @param write false if there is nothing left to write */
  async function rate(write: (worker: number) => Promise<unknown>): Promise<number> {
    const begun = performance.now();
    let written = 0;
    await workers(CALLERS, async (worker) => {
      while (performance.now() - begun < milliseconds) {
        if ((await write(worker)) === false) throw new Error("the codes or sessions were too few");
        written += 1;
      }
    });
    return (written * 1_000) / (performance.now() - begun);
  }

  const caller = platformCaller("default");
  let next = 0;
  const issue = () =>
    service.tokens.issue(caller, {
      platform: "default",
      ttl: 3_600,
      caveats: ["action in read, list"],
      thirdPartyCaveats: [],
      label: undefined,
      onBehalfOf: { issuer: undefined, subject: `person-${next++ % 20}` },
    });

  /**
   * The refresh tokens of all sessions, in turns. A session that refreshes a thousand times while all its tokens are alive would
   * measure the length of its row: clients do so once in the life of a token.
   */
  const sessions: string[] = [];
  const refreshNext = async () => {
    const token = sessions.shift();
    if (token === undefined) return false;
    return sessions.push(await refresh(token));
  };

  async function revokes(isOver: () => boolean): Promise<number> {
    const times: number[] = [];
    while (!isOver()) {
      const revocationId = randomBytes(16).toString("base64url");
      const begun = performance.now();
      await replica.revoke(caller, { kind: "revocation_id", revocationId });
      times.push(performance.now() - begun);
    }
    return quantile(times, 0.99);
  }
  const alone = () => {
    const begun = performance.now();
    return revokes(() => performance.now() - begun >= milliseconds);
  };
  async function inStorm(): Promise<number> {
    let isOver = false;
    const storm = rate(refreshNext).finally(() => {
      isOver = true;
    });
    const [p99] = await Promise.all([revokes(() => isOver), storm]);
    return p99;
  }

  try {
    const found: { [Name in keyof Redeems]: number[] } = {
      issue: [],
      code: [],
      refresh: [],
      revokeAlone: [],
      revokeInStorm: [],
    };
    for (let round = 0; round <= rounds; round++) {
      const codes = await makeCodes(Math.ceil((MOST_A_SECOND * milliseconds) / 1_000));
      const redeemNext = async () => {
        const code = codes.pop();
        if (code === undefined) return false;
        return sessions.push((await redeem(code)) ?? "");
      };
      const figures = {
        issue: await rate(issue),
        code: await rate(redeemNext),
        refresh: await rate(refreshNext),
        revokeAlone: await alone(),
        revokeInStorm: await inStorm(),
      };
      if (round === 0) continue; // it only warms up
      for (const name of Object.keys(found) as (keyof Redeems)[]) found[name].push(figures[name]);
    }
    return found;
  } finally {
    await replica.stop();
    fleet.remove();
  }
}
