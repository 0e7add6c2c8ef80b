import { decodeBundle } from "../../macaroon/index.ts";
import { parseIdentifier } from "../../words/identifier.ts";
import type { ServiceCredentials } from "../access/service-credentials.ts";
import { auditEvent } from "../audit.ts";
import type { CredentialRole } from "../credential-role.ts";
import type { RootKeys } from "../keys/root-keys.ts";
import { SERVICE_PLATFORM } from "../ports/platforms.ts";
import { CLOSED_POLICY, DEFAULT_PLATFORM_POLICY } from "../ports/policy.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Steps } from "../ports/steps.ts";
import type { Repositories, Store } from "../ports/store.ts";
import type { CredentialFile, CredentialFiles } from "./credential-files.ts";

/** The platform that a first start makes. */
export const DEFAULT_PLATFORM = "default";

const FILES: readonly { readonly file: CredentialFile; readonly role: CredentialRole }[] = [
  { file: "admin.token", role: { role: "administrator", platform: undefined } },
  { file: "default.token", role: { role: "platform", platform: DEFAULT_PLATFORM } },
];

/** The result of a bootstrap. */
export type Bootstrapped =
  /** The platforms were made here. */
  | { readonly outcome: "made"; readonly paths: readonly string[] }
  /** They were there, and their credentials were still waiting to be put in place from a start that was cut off. */
  | { readonly outcome: "resumed"; readonly paths: readonly string[] }
  /** They were there, and new credentials were asked for. */
  | { readonly outcome: "reissued"; readonly paths: readonly string[] }
  | { readonly outcome: "there already" };

/** Raised inside the transaction to leave everything as another bootstrap made it. */
class AlreadyThere extends Error {}

/**
 * Makes the service's own platform and `default`, with a credential for each, once.
 *
 * Of many at the same time one wins: the others wait for its transaction and find the platform there. A
 * crash at any point is mended by doing it again: before the commit nothing exists but staged files,
 * which are overwritten; after it the staged files hold the tokens that were committed.
 */
export function createBootstrap(options: {
  readonly store: Store;
  readonly rootKeys: RootKeys;
  readonly credentials: ServiceCredentials;
  readonly randomness: Randomness;
  readonly files: CredentialFiles;
  readonly steps: Steps;
  /** Whether a token is a good one of this service's own platform. */
  readonly isKnown: (token: string) => Promise<boolean>;
}) {
  const { store, rootKeys, credentials, randomness, files, steps } = options;

  async function makePlatform(
    repositories: Repositories,
    name: string,
    now: number,
    remembered: string[],
  ): Promise<boolean> {
    const policy = name === SERVICE_PLATFORM ? CLOSED_POLICY : DEFAULT_PLATFORM_POLICY;
    if (!(await repositories.platforms.insert({ name, createdAt: now, policy, resourceHosts: [] })))
      return false;
    const key = await rootKeys.createFirst(repositories, name, now);
    rootKeys.remember(key); // before the commit: it signs the credentials that are staged in this transaction
    remembered.push(key.id);
    const actor = { kind: "service" } as const;
    const details = { key_id: key.id, active_from: key.activeFrom };
    await repositories.audit.append([
      auditEvent(randomness, now, { action: "platform.created", actor, platform: name, details: {} }),
      auditEvent(randomness, now, { action: "key.created", actor, platform: name, details }),
    ]);
    return true;
  }

  async function stageCredentials(repositories: Repositories): Promise<void> {
    for (const { file, role } of FILES) {
      const request = { ttl: undefined, caveats: [], label: `${file} of a bootstrap` };
      const { token } = await credentials.issueIn(repositories, undefined, role, request);
      await files.stage(file, token);
    }
    await steps.passed("bootstrap:staged");
  }

  /**
   * Whether the transaction that a token was staged in was committed. That the token verifies does not show it:
   * if credentials are renewed, key and principal are older than the transaction, and a token without a
   * record and an audit event would come into use.
   */
  async function isCommitted(token: string): Promise<boolean> {
    const decoded = decodeBundle(token);
    const identifier = decoded.ok ? parseIdentifier(decoded.macaroons[0].identifier) : undefined;
    if (identifier === undefined || !(await options.isKnown(token))) return false;
    return (await store.tokens.find(identifier.tokenId, { platform: SERVICE_PLATFORM })) !== undefined;
  }

  async function publish(): Promise<readonly string[]> {
    const paths: string[] = [];
    for (const { file } of FILES) {
      const token = await files.staged(file);
      if (token === undefined) continue;
      if (!(await isCommitted(token))) {
        await files.discard(file);
        continue;
      }
      paths.push(await files.publish(file));
      await steps.passed("bootstrap:published");
    }
    return paths;
  }

  async function make(): Promise<boolean> {
    await steps.passed("bootstrap:begun");
    const remembered: string[] = [];
    try {
      await store.transaction("bootstrap", async (repositories) => {
        const now = await repositories.now();
        if (!(await makePlatform(repositories, SERVICE_PLATFORM, now, remembered))) throw new AlreadyThere();
        await makePlatform(repositories, DEFAULT_PLATFORM, now, remembered);
        const event = { action: "service.bootstrapped", actor: { kind: "service" }, platform: null } as const;
        await repositories.audit.append([auditEvent(randomness, now, { ...event, details: {} })]);
        await stageCredentials(repositories);
      });
    } catch (error) {
      // Signed with a key that was undone, a credential would be good here and nowhere else.
      for (const id of remembered) rootKeys.forget(id);
      if (error instanceof AlreadyThere) return false;
      throw error;
    }
    await steps.passed("bootstrap:committed");
    return true;
  }

  async function run(reissue: boolean): Promise<Bootstrapped> {
    if ((await store.platforms.find(SERVICE_PLATFORM)) === undefined && (await make())) {
      return { outcome: "made", paths: await publish() };
    }
    await rootKeys.load();
    if (reissue) {
      await steps.passed("bootstrap:begun");
      await store.transaction("reissue credentials", stageCredentials);
      await steps.passed("bootstrap:committed");
      return { outcome: "reissued", paths: await publish() };
    }
    const paths = await publish();
    return paths.length > 0 ? { outcome: "resumed", paths } : { outcome: "there already" };
  }

  return {
    /** @param reissue whether to issue new credentials if the platforms are there already */
    run: (reissue: boolean): Promise<Bootstrapped> => files.inTurn(() => run(reissue)),
  };
}

export type Bootstrap = ReturnType<typeof createBootstrap>;
