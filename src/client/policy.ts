import { count, list, map, object, type Reader, readJson, text, textOrTexts, truth } from "./read.ts";
import type { CallOptions, Transport } from "./transport.ts";

type Answer<R> = R extends Reader<infer T> ? T : never;

const rule = object(
  { max_ttl: count },
  {
    issuer: text,
    groups: list(text),
    subjects: list(text),
    claims: map(textOrTexts),
    caveats: list(text),
    session: count,
    on_behalf_of: truth,
  },
);

export const policy = object(
  { rules: list(rule) },
  { clients: object({ metadata_documents: truth }, { domains: list(text) }) },
);

/** The people and workloads to whom a platform's tokens may be issued. */
export type Policy = Answer<typeof policy>;

const trial = object(
  {
    admitted: truth,
    passed_over: list(object({ rule: count, why: list(object({ member: text, detail: text })) })),
    warnings: list(text),
  },
  { rule: count, caveats: list(text), max_ttl: count, session: count },
);

/** What a principal would get under a policy: the rule that decides, and why those before it do not. */
export type PolicyTrialResult = Answer<typeof trial>;

/** A principal who may never have been here. */
export interface PolicyTrial {
  /** Left out: the service's own. */
  readonly issuer?: string;
  /** The kind of issuer that speaks; `person` unless said. */
  readonly kind?: "person" | "workload" | "id-jag";
  readonly subject: string;
  readonly groups?: readonly string[];
  /** Of an assertion; somebody with an ID token or a session has none. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly on_behalf_of?: boolean;
  /** Held against them in place of the one that stands. */
  readonly policy?: Policy;
}

/** A condition on the policy that stands. */
interface PutOptions extends CallOptions {
  /**
   * The `etag` of {@link PolicyCalls.standingPolicy}, or `*` for whichever policy stands. Without it a policy that would
   * drop `claims`, `session` or `clients` is refused as a `conflict`.
   */
  readonly ifMatch?: string;
}

/** Platforms' policies, for administrators. */
export interface PolicyCalls {
  policy(name: string, options?: CallOptions): Promise<Policy>;
  /** The policy with the name of its state, for {@link setPolicy}. */
  standingPolicy(
    name: string,
    options?: CallOptions,
  ): Promise<{ readonly policy: Policy; readonly etag: string | undefined }>;
  /**
   * Replaces a policy. Rejects with `precondition_failed` if another one stands than `ifMatch` says.
   *
   * @example
   * const { policy, etag } = await bakehouse.platforms.standingPolicy("shop");
   * const rules = [...policy.rules, { groups: ["support"], max_ttl: 3600 }];
   * await bakehouse.platforms.setPolicy("shop", { ...policy, rules }, { ifMatch: etag });
   */
  setPolicy(name: string, policy: Policy, options?: PutOptions): Promise<Policy>;
  /** Says what somebody would get, and why not. Changes nothing. */
  tryPolicy(name: string, trial: PolicyTrial, options?: CallOptions): Promise<PolicyTrialResult>;
}

/** The calls about policies that a transport makes. */
export function createPolicyCalls(transport: Transport): PolicyCalls {
  async function standingPolicy(name: string, options?: CallOptions) {
    const call = { method: "GET", path: pathOf(name), repeat: "always" } as const;
    const { body, headers } = await transport.call(call, options);
    return { policy: readJson(body, policy), etag: headers.get("etag") ?? undefined };
  }
  return {
    policy: async (name, options) => (await standingPolicy(name, options)).policy,
    standingPolicy,
    async setPolicy(name, wanted, { ifMatch, ...options } = {}) {
      // A repeat would find the policy that the lost answer was about.
      const condition = ifMatch === undefined ? {} : { headers: { "if-match": ifMatch } };
      const repeat = ifMatch === undefined || ifMatch === "*" ? "always" : "unanswered";
      const call = { method: "PUT", path: pathOf(name), body: wanted, ...condition, repeat } as const;
      return readJson((await transport.call(call, options)).body, policy);
    },
    async tryPolicy(name, asked, options) {
      const body = { dry_run: true, ...asked };
      const call = { method: "POST", path: pathOf(name), body, repeat: "always" } as const;
      return readJson((await transport.call(call, options)).body, trial);
    },
  };
}

function pathOf(name: string): string {
  return `/v1/platforms/${encodeURIComponent(name)}/policy`;
}
