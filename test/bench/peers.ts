import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import foreign from "macaroon";
import { z } from "zod";

import { attenuate, encode, type UnverifiedMacaroon } from "../../src/macaroon/index.ts";
import { contenderFile, hasNpmContenders, libmacaroons, versionOf } from "./contenders.ts";
import type { Contender } from "./figures.ts";
import { scratch } from "./service.ts";
import { NINE } from "./tokens.ts";

/** Other libraries that verify tokens in this process, or, in C, in one of their own. */
export interface Peers {
  readonly contenders: readonly Contender[];
  /** Which are there in which version, and which are left out and why. */
  readonly notes: readonly string[];
}

const TOKENS = 2_000;
/** Milliseconds of a round. */
const ROUND = 500;

type Verify = (token: unknown) => unknown;

const moduleSchema = z.object({ contenders: z.custom<(count: number) => Promise<unknown>>(isFunction) });
const contendersSchema = z.array(
  z.object({ name: z.string(), tokens: z.array(z.unknown()), verify: z.custom<Verify>(isFunction) }),
);

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

/** Verifications a second, for half a second; what answers later is waited for, as a service would. */
async function perSecond(tokens: readonly unknown[], verify: Verify): Promise<number> {
  const begun = performance.now();
  let done = 0;
  while (performance.now() - begun < ROUND) {
    for (let some = 0; some < 50; some++) {
      const answer = verify(tokens[done % tokens.length]);
      if (answer instanceof Promise) await answer;
      done += 1;
    }
  }
  return (done * 1000) / (performance.now() - begun);
}

/**
 * npm `macaroon` and libmacaroons with our tokens, their conditions passed over, which favours them; JWTs with the
 * same claims; biscuits with checks of the same meaning.
 *
 * @param root of the tokens, with one caveat: nine more are added
 */
export async function peers(root: UnverifiedMacaroon, rootKey: Uint8Array): Promise<Peers> {
  const contenders: Contender[] = [];
  const versions = [`npm macaroon ${versionOf("macaroon")}`, `jose ${versionOf("jose")}`];
  const leftOut: string[] = [];
  const add = async (name: string, tokens: readonly unknown[], verify: Verify) => {
    for (let warmUp = 0; warmUp < 3; warmUp++) await perSecond(tokens, verify);
    contenders.push({ name, run: () => perSecond(tokens, verify) });
  };
  const addAll = async (file: string) => {
    const { contenders: make } = moduleSchema.parse(await import(contenderFile(file)));
    for (const { name, tokens, verify } of contendersSchema.parse(await make(TOKENS)))
      await add(name, tokens, verify);
  };

  const parent = attenuate(root, NINE.slice(0, -1));
  const macaroons = Array.from({ length: TOKENS }, (_, index) =>
    attenuate(parent, [`agent = researcher#${String(index).padStart(8, "0")}`]),
  );
  const pass = () => null;
  await add(
    "npm macaroon, nothing cleared",
    macaroons.map((macaroon) => encode(macaroon)),
    (token) =>
      foreign
        .importMacaroon(new Uint8Array(Buffer.from(String(token), "base64url")))
        .verify(rootKey, pass, []),
  );
  await addAll("jwt.mjs");
  if (hasNpmContenders()) {
    await addAll("fast-jwt.mjs");
    await addAll("biscuit.mjs");
    versions.push(`fast-jwt ${versionOf("fast-jwt")}`);
    versions.push(`biscuit-wasm ${versionOf("@biscuit-auth/biscuit-wasm")}`);
  } else {
    leftOut.push("fast-jwt and biscuit-wasm (npm could not install them)");
  }
  const native = libmacaroons();
  if (native === undefined) {
    leftOut.push("libmacaroons (not installed; Debian: libmacaroons-dev and a C compiler)");
  } else {
    // In version 1: the released libmacaroons reads no other.
    const file = join(scratch(), "tokens");
    writeFileSync(file, macaroons.map((macaroon) => `${encode(macaroon, "v1")}\n`).join(""));
    const args = [file, Buffer.from(rootKey).toString("hex"), String(ROUND)];
    contenders.push({ name: "libmacaroons in C, nothing cleared", run: () => figureOf(native, args) });
    versions.push("libmacaroons as installed");
  }
  return {
    contenders,
    notes: [
      `Beside it: ${versions.join(", ")}.`,
      ...(leftOut.length > 0 ? [`Left out: ${leftOut.join("; ")}.`] : []),
    ],
  };
}

function figureOf(program: string, args: readonly string[]): number {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
  return Number(stdout);
}
