import { generateKeyPairSync } from "node:crypto";

import { type HolderJwk, type HolderKey, type HolderKeyKind, holderKeyOf } from "../../client/index.ts";
import { type Command, type Invocation, TOKEN_OPTION } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";
import { onlyWords, readJsonFile, readToken, readTokenText } from "../input.ts";
import { writePrivate } from "../private-file.ts";
import { columns } from "../show.ts";
import { printJson } from "../terminal.ts";

const KINDS = ["Ed25519", "P-256"] as const satisfies readonly HolderKeyKind[];

export const holderCommand: Command = {
  name: "holder",
  usage: "new|show|prove|endorse [REVOCATION-ID]",
  summary: "make a key that holds tokens; prove it, endorse with it, offline",
  details: [
    "new makes a key and prints its thumbprint. Whoever hands you a token says --holder THUMBPRINT to delegate: the",
    "token is then worth nothing without the key. prove prints what goes into the header DPoP of one call with the",
    "token. endorse prints your word that you handed a token on, for Bakehouse-Endorsements: of the token that",
    "--token names, or of the link with that revocation id.",
  ],
  words: ["new", "show", "prove", "endorse"],
  options: {
    ...TOKEN_OPTION,
    key: { type: "string", short: "k", value: "FILE", help: "the key's file" },
    kind: { type: "string", value: "KIND", help: "of a new key: Ed25519 unless said, or P-256" },
    output: {
      type: "string",
      short: "o",
      value: "FILE",
      help: "where a new key goes, for you alone to read",
    },
    method: { type: "string", value: "METHOD", help: "the call's method, such as POST" },
    uri: { type: "string", value: "URI", help: "the call's address" },
    "content-digest": { type: "string", value: "TEXT", help: "the digest of the call's contents" },
  },
  async run(invocation) {
    const [word, ...rest] = invocation.positionals;
    onlyWords({ ...invocation, positionals: rest }, word === "endorse" ? 1 : 0);
    switch (word) {
      case "new":
        return await makeKey(invocation);
      case "show":
        return showKey(invocation, await readKey(invocation));
      case "prove":
        return await prove(invocation, await readKey(invocation));
      case "endorse":
        return await endorse(invocation, await readKey(invocation), rest[0]);
      default:
        throw new UsageError("say what to do with a key: new, show, prove or endorse");
    }
  },
};

async function makeKey(invocation: Invocation): Promise<number> {
  const { terminal, text, json } = invocation;
  const file = text("output");
  if (file === undefined) throw new UsageError("say where the key goes: -o FILE");
  const kind = text("kind") ?? "Ed25519";
  if (!KINDS.some((known) => known === kind)) throw new UsageError("--kind must be Ed25519 or P-256");
  const { privateKey } =
    kind === "Ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = privateKey.export({ format: "jwk" }) as HolderJwk;
  const key = await holderKeyOf(jwk);
  await writePrivate(file, `${JSON.stringify(jwk)}\n`, false);
  if (json) printJson(terminal, { file, ...facts(key) });
  else terminal.print(key.thumbprint);
  return EXIT.done;
}

async function readKey({ terminal, text }: Invocation): Promise<HolderKey> {
  const file = text("key");
  if (file === undefined) throw new UsageError("say with which key: --key FILE");
  const jwk = await readJsonFile(terminal, file, "the key");
  try {
    if (typeof jwk !== "object" || jwk === null) throw new TypeError("not an object");
    return await holderKeyOf(jwk);
  } catch {
    throw new UsageError("the key's file holds no private key of Ed25519 or P-256");
  }
}

function facts({ kind, thumbprint, caveat, publicKey }: HolderKey) {
  return { kind, thumbprint, caveat, public_key: publicKey };
}

function showKey({ terminal, json }: Invocation, key: HolderKey): number {
  if (json) printJson(terminal, facts(key));
  else {
    const { kind, thumbprint, caveat } = key;
    for (const line of columns([
      ["kind", kind],
      ["thumbprint", thumbprint],
      ["caveat", caveat],
    ])) {
      terminal.print(line);
    }
  }
  return EXIT.done;
}

async function prove(invocation: Invocation, key: HolderKey): Promise<number> {
  const { terminal, text, json } = invocation;
  const [method, uri, contentDigest] = [text("method"), text("uri"), text("content-digest")];
  if (method === undefined || uri === undefined || !URL.canParse(uri)) {
    throw new UsageError("say for which call: --method POST --uri https://api.example/orders");
  }
  const token = await readTokenText(invocation);
  const call = { token, method, uri, ...(contentDigest !== undefined && { contentDigest }) };
  const dpop = await key.prove(call);
  if (json) printJson(terminal, { dpop });
  else terminal.print(dpop);
  return EXIT.done;
}

async function endorse(invocation: Invocation, key: HolderKey, id: string | undefined): Promise<number> {
  const { terminal, json } = invocation;
  if (id !== undefined && !/^[\w-]{22}$/.test(id)) throw new UsageError("that is no revocation id");
  const link = id ?? (await readToken(invocation)).revocationId;
  const endorsement = await key.endorse(link);
  if (json) printJson(terminal, { endorsement, revocation_id: link });
  else terminal.print(endorsement);
  return EXIT.done;
}
