// oidc-provider has no type declarations. These are the parts that are used here, no more.
//
// They are imported from the modules that hold them: the package's index prints a warning to the console
// on every Node release that is not a long-term one, and its memory adapter only does so when it is the default.

declare module "oidc-provider/lib/provider.js" {
  import type { IncomingMessage, ServerResponse } from "node:http";

  export interface Grant {
    readonly jti: string;
    addOIDCScope(scope: string): void;
    getOIDCScope(): string;
    save(): Promise<string>;
  }

  export interface Session {
    readonly accountId?: string;
    grantIdFor(clientId: string): string | undefined;
    destroy(): Promise<void>;
  }

  export interface Client {
    readonly clientId: string;
    readonly clientName?: string;
    readonly applicationType: "web" | "native";
  }

  export interface Interaction {
    readonly uid: string;
    readonly exp: number;
    readonly returnTo: string;
    readonly deviceCode?: string;
    readonly prompt: { readonly name: string };
    readonly params: Readonly<Record<string, unknown>>;
    session?: { readonly accountId: string; readonly uid: string } | undefined;
    persist(): Promise<void>;
  }

  /** Koa's context with the members that oidc-provider adds. */
  export interface Context {
    readonly req: IncomingMessage;
    type: string;
    body: unknown;
    readonly oidc: {
      readonly client: Client;
      readonly session: Session;
      readonly account?: { readonly accountId: string };
      readonly params: Readonly<Record<string, unknown>>;
      readonly result?: { readonly login?: unknown };
      readonly provider: Provider;
    };
  }

  interface Model<T> {
    find(id: string): Promise<T | undefined>;
  }

  export class Provider {
    constructor(issuer: string, configuration: unknown);
    readonly Grant: Model<Grant> & (new (payload: { accountId: string; clientId: string }) => Grant);
    readonly Session: Model<Session> & { findByUid(uid: string): Promise<Session | undefined> };
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
    interactionResult(request: IncomingMessage, response: ServerResponse, result: unknown): Promise<string>;
    on(event: "error", listener: (error: unknown) => void): this;
    on(event: "server_error", listener: (context: Context, error: unknown) => void): this;
  }
}

declare module "oidc-provider/lib/adapters/memory_adapter.js" {
  export function createMemoryAdapter(): unknown;
}

declare module "oidc-provider/lib/helpers/interaction_policy/index.js" {
  import type { Context } from "oidc-provider/lib/provider.js";

  export class Check {
    constructor(
      reason: string,
      description: string,
      error: string,
      check: (context: Context) => boolean | Promise<boolean>,
    );
  }

  export interface Prompt {
    readonly checks: { add(check: Check): void };
  }

  export interface Policy {
    get(name: string): Prompt | undefined;
    remove(name: string): void;
  }

  export function base(): Policy;
}
