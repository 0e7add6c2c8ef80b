import { createCaveatReader } from "../../../src/caveats/memo.ts";
import { createLinkMemory } from "../../../src/domain/memory/link-memory.ts";
import { rememberLinks } from "../../../src/domain/memory/remembered-links.ts";
import { createSightings } from "../../../src/domain/memory/sightings.ts";
import type { Principal } from "../../../src/domain/ports/principals.ts";
import { clearToken } from "../../../src/domain/verify/clear-token.ts";
import { nodeChain } from "../../../src/domain/verify/node-hash.ts";
import { createBundleVerifier, type FindKey } from "../../../src/domain/verify/verify-bundle.ts";
import type { JsonObject } from "../../../src/json/value.ts";
import { encodeBase64Url } from "../../../src/macaroon/index.ts";
import { choicesOf } from "../choices.ts";
import { createRecord, type FuzzPart, type FuzzSettings } from "../part.ts";
import { type Corpus, makeCorpus, NOW, PLATFORM, signedPart, signedParts } from "./corpus.ts";
import { binaryOf, mutate, read } from "./mutate.ts";

/** What every caveat of the corpus lets pass. */
const CONTEXT: JsonObject = new Map([
  ["tool", "search"],
  ["action", "read"],
  ["resource", "repo:acme/web"],
]);

/** Bytes for links: little, so that links come and go. */
const MEMORY = 64 * 1024;

/** Whose every token is: clearing does not ask for it. */
const SOMEBODY: Principal = {
  id: "pppppppppppppppA",
  platform: PLATFORM,
  issuer: "https://issuer.example",
  subject: "alice",
  email: null,
  assertedBy: "issuer",
  development: false,
  createdAt: 0,
};

/** Answers whether a bundle is allowed, as the service does without budgets and revocations. */
function createJudge({ keys }: Corpus, remembersLinks: boolean) {
  const findKey: FindKey = async (id, platform) => {
    const key = keys.get(id);
    return key?.platform === platform ? key : undefined;
  };
  const readCaveat = createCaveatReader();
  const whole = createBundleVerifier(findKey, undefined, nodeChain, readCaveat);
  const memory = createLinkMemory(MEMORY);
  const verifier = remembersLinks
    ? rememberLinks(whole, findKey, { memory, sightings: createSightings(), readCaveat })
    : whole;
  return async (bytes: Uint8Array): Promise<string> => {
    const verification = await verifier.verify({
      text: encodeBase64Url(bytes),
      discharges: [],
      platform: PLATFORM,
    });
    if (!verification.ok) return verification.code;
    const { bundle, rootKey } = verification;
    const token = { ...bundle, rootKey, principal: SOMEBODY, revoked: undefined };
    return clearToken(token, CONTEXT, NOW, undefined).refusal?.code ?? "allowed";
  };
}

async function run({ seed, count }: FuzzSettings) {
  const record = createRecord();
  const choices = choicesOf("bundles", seed);
  const corpus = makeCorpus(choices);
  const judge = createJudge(corpus, false);
  const remembering = createJudge(corpus, true);
  const good = new Set<string>();
  const roots = new Set<string>();
  for (const bundle of corpus.bundles) {
    const outcome = await judge(binaryOf(bundle));
    if ((await remembering(binaryOf(bundle))) !== outcome)
      record.find("a good bundle comes to something else with links remembered");
    const [root, ...discharges] = bundle;
    // Those of another platform are only there to be mixed in.
    const isOwn = outcome === "allowed";
    if (isOwn) good.add(signedParts(bundle));
    if (isOwn && discharges.length === 0) roots.add(signedPart(root));
    if (!isOwn && outcome !== "unknown_key")
      record.find(`a good bundle came to ${outcome}: the corpus is at fault`);
  }
  if (good.size < corpus.bundles.length / 2) record.find("too few of the good bundles are good");

  for (let at = 0; at < count; at++) {
    const { how, bytes } = mutate(choices, corpus.bundles);
    const outcome = await judge(bytes);
    const remembered = await remembering(bytes);
    if (remembered !== outcome)
      record.find(
        `${at}, ${how}: ${outcome}, with links remembered ${remembered}: ${encodeBase64Url(bytes)}`,
      );
    if (outcome !== "allowed") {
      record.count(outcome);
      continue;
    }
    // Only what says the same as a good bundle may pass: another location, another order of discharges.
    const macaroons = read(bytes);
    const isSame = macaroons !== undefined && good.has(signedParts(macaroons));
    record.count(isSame ? "the same as a good one" : "ACCEPTED");
    if (!isSame) record.find(`${at}, ${how}: ${encodeBase64Url(bytes)}`);
  }
  return record.report();
}

/** Mutants of good bundles, none of which may be allowed. */
export const BUNDLES: FuzzPart = {
  name: "bundles",
  about:
    "mutants of good bundles: bits, splices, caveats, signatures and discharges of others; none may be allowed",
  usual: 1_000_000,
  run,
};
