import { z } from "zod";

import { DomainError } from "../../domain/parts/error.ts";
import { decodeBase64, MacaroonError } from "../../macaroon/index.ts";
import { HttpError, publicProblem } from "../parts/problem.ts";
import { json, type Reply, seeOther } from "../parts/reply.ts";
import { bakeryRefusal, discharged, interactionRequired } from "../request/bakery-wire.ts";
import { askerOf, type Exchange } from "../request/context.ts";
import { BAKERY_FORM, type Parameters, parseForm, readForm, textOf } from "../request/form.ts";
import { defineRoute } from "../request/route.ts";
import { bakeryErrorSchema, bakeryMacaroonSchema, interactionRequiredSchema } from "../wire/bakery.ts";

const keySchema = z.string().meta({ description: "Curve25519, 32 bytes in standard base64." });
const REFUSALS = {
  400: { description: "The request or its ticket is no good.", schema: bakeryErrorSchema },
  413: { description: "The query or the form is too large.", schema: bakeryErrorSchema },
  429: { description: "Too many requests.", schema: bakeryErrorSchema },
  503: { description: "No answer can be given now.", schema: bakeryErrorSchema },
} as const;

function standard(bytes: Uint8Array): string {
  return bytes.toBase64();
}

/** Writes refusals in the protocol's own form. Faults go on to the pipeline. */
async function bakery(work: () => Promise<Reply>): Promise<Reply> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MacaroonError) return bakeryRefusal(400, "bad request", error.message);
    const problem =
      error instanceof DomainError || error instanceof HttpError ? publicProblem(error) : undefined;
    if (problem === undefined) throw error;
    switch (problem.code) {
      case "denied":
      case "forbidden":
        return bakeryRefusal(401, "permission denied", problem.detail);
      case "not_found":
        return bakeryRefusal(404, "not found", problem.detail);
      case "payload_too_large":
        return bakeryRefusal(413, "bad request", problem.detail);
      case "rate_limited":
      case "unavailable":
        return bakeryRefusal(problem.status, "temporarily unavailable", problem.detail);
      default:
        return bakeryRefusal(400, "bad request", problem.detail);
    }
  }
}

/** `GET /discharge/info` */
export const dischargeInfo = defineRoute({
  method: "GET",
  path: "/discharge/info",
  operationId: "dischargeInfo",
  tag: "Bakery",
  summary: "The key that tickets are sealed to",
  description:
    "Whoever has it can write third-party caveats for this service offline. The key is replaced from time to time; tickets for one that was replaced are opened for 91 days more.",
  auth: "none",
  kind: "protocol",
  responses: {
    200: {
      description: "The key.",
      schema: z.strictObject({ PublicKey: keySchema, Version: z.literal(3) }),
      example: { PublicKey: "VMcYXxOObbVbt/ZUcJLUBz1KFH8HuKeJsHUGc+n1jFE=", Version: 3 },
    },
    503: REFUSALS[503],
  },
  handler: ({ service }) =>
    bakery(async () => json(200, { PublicKey: standard(await service.discharges.publicKey()), Version: 3 })),
});

/** `GET /publickey` */
export const publicKey = defineRoute({
  method: "GET",
  path: "/publickey",
  operationId: "publicKey",
  tag: "Bakery",
  summary: "The same, for older clients",
  description: "As `/discharge/info`, without the version.",
  auth: "none",
  kind: "protocol",
  responses: {
    200: { description: "The key.", schema: z.strictObject({ PublicKey: keySchema }) },
    503: REFUSALS[503],
  },
  handler: ({ service }) =>
    bakery(async () => json(200, { PublicKey: standard(await service.discharges.publicKey()) })),
});

/** Parameters of query and form alike: Go's clients write the one, Python's the other. */
async function parametersOf({ request, search }: Exchange): Promise<Parameters> {
  const query = parseForm(search, BAKERY_FORM.maxPairs);
  const form = await readForm(request, BAKERY_FORM);
  for (const name of form.keys()) {
    if (query.has(name)) throw new DomainError("invalid_request", "a parameter is repeated");
  }
  return new Map([...query, ...form]);
}

/** A parameter of bytes, plain or under its name with `64` behind it in any base64. */
function bytesOf(parameters: Parameters, name: string): Uint8Array | undefined {
  const plain = parameters.get(name);
  const encoded = textOf(parameters, `${name}64`);
  if (plain !== undefined && encoded !== undefined) {
    throw new DomainError("invalid_request", `both ${name} and ${name}64 are there`);
  }
  return encoded === undefined ? plain : decodeBase64(encoded);
}

/** `POST /discharge` */
export const bakeryDischarge = defineRoute({
  method: "POST",
  path: "/discharge",
  operationId: "bakeryDischarge",
  tag: "Bakery",
  summary: "Discharge a ticket",
  description:
    "Parameters in the query or as a form, whatever the media type: `id` or `id64`, `caveat64`, `token` or `token64`, `token-kind`. A person has to act in any case: the first answer says where, and the client comes back with the token that `/wait-token` gave.",
  auth: "none",
  kind: "protocol",
  maxQuery: BAKERY_FORM.maxBytes,
  responses: {
    200: { description: "Discharged.", schema: z.strictObject({ Macaroon: bakeryMacaroonSchema }) },
    ...REFUSALS,
    401: {
      description: "A person has to act first, or said no.",
      schema: z.union([interactionRequiredSchema, bakeryErrorSchema]),
    },
    404: { description: "No such token.", schema: bakeryErrorSchema },
  },
  handler: ({ context, service, exchange }) =>
    bakery(async () => {
      const parameters = await parametersOf(exchange);
      const caveatId = bytesOf(parameters, "id");
      if (caveatId === undefined || caveatId.length === 0)
        throw new DomainError("invalid_request", "id is missing");
      const answer = await service.bakery.discharge(askerOf(exchange), {
        caveatId,
        payload: bytesOf(parameters, "caveat"),
        token: bytesOf(parameters, "token"),
      });
      if (answer.state === "granted") return discharged(answer.macaroon);
      const { path, ticket, code } = answer;
      const wait = new URL(`/wait-token?did=${encodeURIComponent(ticket)}`, context.publicUrl).href;
      return interactionRequired(
        new URL(path, context.publicUrl).href,
        wait,
        `interaction required; code ${code}`,
      );
    }),
});

/** Go's client gives up at the tenth redirect, and a client that cannot follow one cannot wait for a minute either. */
const MOST_HOPS = 8;

/** How often a client has been sent on. A value that is not ours counts as the last hop: the client waits on. */
function hopOf(query: Parameters): number {
  const text = textOf(query, "hop") ?? "0";
  return /^[0-8]$/.test(text) ? Number(text) : MOST_HOPS;
}

/** `GET /wait-token` */
export const waitToken = defineRoute({
  method: "GET",
  path: "/wait-token",
  operationId: "waitToken",
  tag: "Bakery",
  summary: "Wait until a person has acted",
  description:
    "Blocks, at most until the request expires, and gives the token for the next `POST /discharge`. After 50 seconds it sends the client here again, eight times, so that no proxy cuts a silent connection; then it blocks on, since clients follow no more than ten redirects.",
  auth: "none",
  kind: "protocol",
  head: false,
  responses: {
    200: {
      description: "The token.",
      schema: z.strictObject({ kind: z.literal("macaroon"), token64: z.string() }),
    },
    303: { description: "Nobody has acted yet.", headers: { Location: "Where to wait on." } },
    ...REFUSALS,
    401: { description: "A person said no, or nobody answered.", schema: bakeryErrorSchema },
    404: { description: "No such request.", schema: bakeryErrorSchema },
  },
  handler: ({ service, exchange }) =>
    bakery(async () => {
      const query = parseForm(exchange.search);
      const did = textOf(query, "did") ?? "";
      const hop = hopOf(query);
      const token = await service.bakery.wait(did, hop < MOST_HOPS, askerOf(exchange));
      if (token === undefined)
        return seeOther(`/wait-token?${new URLSearchParams({ did, hop: `${hop + 1}` })}`, []);
      // Padded and in the standard alphabet, under this name: Python's clients fail at anything else.
      return json(200, { kind: "macaroon", token64: standard(token) });
    }),
});
