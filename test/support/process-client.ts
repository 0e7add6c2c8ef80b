import { z } from "zod";

import { revocationSchema } from "../../src/http/wire/revocation.ts";
import { issuedTokenSchema } from "../../src/http/wire/token.ts";
import { verdictSchema } from "../../src/http/wire/verdict.ts";
import { createBrowser } from "./browser.ts";
import { noteSecret } from "./process-logs.ts";
import { until } from "./until.ts";

/** An answer, whatever its status. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Undefined where the body is no JSON. */
  readonly body: unknown;
}

/** Who calls. */
export type As = { readonly token: string } | { readonly session: string } | undefined;

/** What is sent. */
export interface Sent {
  readonly as?: As;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

type Issued = z.infer<typeof issuedTokenSchema>;
type Verdict = z.infer<typeof verdictSchema>;
type Target = { readonly token: string } | { readonly token_id: string } | { readonly revocation_id: string };

const revokedSchema = z.strictObject({ revocations: z.array(revocationSchema), sequence: z.string() });

/** The API of a service at an address. Rejects where the connection fails. */
export interface Client {
  call(method: string, path: string, sent?: Sent): Promise<Answer>;
  /** @throws Error for any answer but 201 */
  issue(as: As, body: unknown, idempotencyKey?: string): Promise<Issued>;
  /** @throws Error for any answer but 200 */
  verify(as: As, token: string, context?: Readonly<Record<string, unknown>>): Promise<Verdict>;
  /** As {@link verify}, asked again as long as the service says that it cannot tell (503). */
  verifyPatiently(as: As, token: string): Promise<Verdict>;
  /** @throws Error for any answer but 200 */
  revoke(as: As, target: Target, reason?: string): Promise<z.infer<typeof revokedSchema>>;
}

/** @param seen told of every answer, its headers first */
export function createClient(url: string, seen: (text: string) => void = () => {}): Client {
  async function call(method: string, path: string, { as, body, headers }: Sent = {}): Promise<Answer> {
    const all = new Headers(headers);
    if (as !== undefined && "token" in as) all.set("authorization", `Bearer ${as.token}`);
    if (as !== undefined && "session" in as) {
      all.set("cookie", `bakehouse=${as.session}`);
      if (!all.has("origin")) all.set("origin", url);
    }
    if (body !== undefined && !all.has("content-type")) all.set("content-type", "application/json");
    const text = body === undefined || typeof body === "string" ? (body ?? null) : JSON.stringify(body);
    const response = await fetch(`${url}${path}`, { method, headers: all, body: text, redirect: "manual" });
    const answered = await response.text();
    seen(`${JSON.stringify([...response.headers])}\n${answered}`);
    const isJson = /^application\/(problem\+)?json/.test(response.headers.get("content-type") ?? "");
    return {
      status: response.status,
      headers: response.headers,
      text: answered,
      body: isJson ? JSON.parse(answered) : undefined,
    };
  }

  async function expecting<T>(status: number, schema: z.ZodType<T>, answer: Promise<Answer>): Promise<T> {
    const { status: got, text, body } = await answer;
    if (got !== status) throw new Error(`expected ${status}, got ${got}: ${text.slice(0, 500)}`);
    return schema.parse(body);
  }

  return {
    call,
    async issue(as, body, idempotencyKey) {
      const headers = idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey };
      const issued = await expecting(
        201,
        issuedTokenSchema,
        call("POST", "/v1/tokens", { as, body, headers }),
      );
      noteSecret(issued.token);
      return issued;
    },
    verify: (as, token, context = {}) =>
      expecting(200, verdictSchema, call("POST", "/v1/verify", { as, body: { token, context } })),
    verifyPatiently: (as, token) =>
      until(async () => {
        const answer = await call("POST", "/v1/verify", { as, body: { token, context: {} } });
        return answer.status !== 503 && expecting(200, verdictSchema, Promise.resolve(answer));
      }),
    revoke: (as, target, reason) =>
      expecting(
        200,
        revokedSchema,
        call("POST", "/v1/revocations", {
          as,
          body: { targets: [target], ...(reason === undefined ? {} : { reason }) },
        }),
      ),
  };
}

/** Signs a person in through the pages, as a browser would, and returns the session cookie's value. */
export async function signIn(url: string, person: Readonly<Record<string, string>>): Promise<string> {
  const browser = createBrowser();
  const page = await browser.get(`${url}/login`);
  const home = await browser.submit(page.form(), person);
  const session = browser.cookies.get("bakehouse", new URL(url));
  if (home.status !== 200 || session === undefined) {
    throw new Error(`signing in led to ${home.url.pathname} with status ${home.status}`);
  }
  noteSecret(session);
  return session;
}
