import { z } from "zod";

import type { PublishedKey } from "../../domain/oauth-service.ts";
import { json } from "../parts/reply.ts";
import { defineRoute } from "../request/route.ts";
import { toBase64url } from "../wire/base64url.ts";

/** Seconds that others may keep the set: the next key stands in it for a day before it signs. */
const MAX_AGE = 3_600;

const keySchema = z
  .strictObject({
    kty: z.literal("OKP"),
    crv: z.literal("Ed25519"),
    x: z.string().meta({ description: "The public key, base64url." }),
    kid: z.string().meta({ description: "As the header of what it signed names it." }),
    alg: z.literal("EdDSA"),
    use: z.literal("sig"),
  })
  .meta({ id: "VerdictKey", description: "RFC 8037." });

function wireOf({ id, publicKey }: PublishedKey): z.infer<typeof keySchema> {
  return { kty: "OKP", crv: "Ed25519", x: toBase64url(publicKey), kid: id, alg: "EdDSA", use: "sig" };
}

/** `GET /.well-known/jwks.json` */
export const jwks = defineRoute({
  method: "GET",
  path: "/.well-known/jwks.json",
  operationId: "jwks",
  tag: "Service",
  summary: "The keys of short signed verdicts",
  description:
    "RFC 7517. Tokens are macaroons and verify by no key of this set: it is for the JWTs that they are exchanged for at the token endpoint. A key stands here for a day before it signs, and for a day after its last signature.",
  auth: "none",
  kind: "probe",
  responses: {
    200: {
      description: "A JWK set.",
      schema: z.strictObject({ keys: z.array(keySchema) }).meta({ id: "KeySet" }),
      example: {
        keys: [
          {
            kty: "OKP",
            crv: "Ed25519",
            x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            kid: "Zk3vQm2xT9aBcDeF",
            alg: "EdDSA",
            use: "sig",
          },
        ],
      },
      headers: { "Cache-Control": "An hour." },
    },
  },
  problems: ["unavailable"],
  async handler({ service }) {
    const keys = await service.keySet.published();
    const reply = json(200, { keys: keys.map(wireOf) });
    const caching = keys.length === 0 ? "no-store" : `public, max-age=${MAX_AGE}`;
    return { ...reply, headers: { ...reply.headers, "cache-control": caching } };
  },
});
