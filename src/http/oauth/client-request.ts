import type { ClientRequest } from "../../domain/oauth-service.ts";
import { jsonText, type Reply } from "../parts/reply.ts";
import { askerOf, type Exchange } from "../request/context.ts";
import { GRANT_FORM, readOAuthForm } from "../request/form.ts";

/** Reads a client's form, and the way in which it authenticates beside it. */
export async function readClientRequest(exchange: Exchange): Promise<ClientRequest> {
  return {
    parameters: await readOAuthForm(exchange.request, GRANT_FORM),
    authorization: exchange.request.headers.get("authorization") ?? undefined,
    from: askerOf(exchange),
  };
}

/** An answer that holds a secret, which nothing on its way may keep (RFC 6749 §5.1). @param text JSON */
export function secretAnswer(text: string): Reply {
  const reply = jsonText(200, text);
  return { ...reply, headers: { ...reply.headers, "cache-control": "no-store", pragma: "no-cache" } };
}
