import { sign, verify } from "node:crypto";

import type { VerifyRequest } from "../../src/domain/service.ts";
import { workers } from "../revocation/hammer.ts";
import { CALL, createProver, proved } from "../support/prover.ts";
import { question } from "../support/question.ts";
import { newFleet, openServerStore, platformCaller, startReplica } from "../support/replica.ts";
import { newDatabase } from "./database.ts";
import { atLeast, type Contender, type Effort, type Findings, interleaved, ratio } from "./figures.ts";

const CALLERS = 16;
/** Of a round, for each second that it should take: what is asked is made before it begins. */
const QUESTIONS = 2_000;

const BUDGETED = "budgeted verify";
const PROVED = "budgeted verify with a proof";
const BARE = "budgeted verify, and a bare crypto.verify";

/** Budgets on Postgres, in process: a proof of a key beside what it cannot do without. */
export async function proofs({
  rounds,
  seconds,
}: Pick<Effort, "rounds" | "seconds">): Promise<Omit<Findings, "part">> {
  const fleet = newFleet();
  const replica = await startReplica({ store: await openServerStore(await newDatabase()), fleet });
  const { decisions, tokens } = replica.composed.service;
  const caller = platformCaller("default");
  const prover = createProver();
  const issue = async (...caveats: readonly string[]) =>
    (
      await tokens.issue(caller, {
        platform: "default",
        ttl: 3_600,
        caveats,
        thirdPartyCaveats: [],
        label: undefined,
        onBehalfOf: { issuer: undefined, subject: "person" },
      })
    ).token;
  const [free, heldToken] = [
    await issue("uses <= 999999999"),
    await issue(prover.caveat, "uses <= 999999999"),
  ];

  const held = (dpop: string) => question(heldToken, { proof: { dpop, ...CALL, contentDigest: undefined } });
  const freshProofs = () =>
    Array.from({ length: Math.ceil(QUESTIONS * seconds) }, () => {
      const { proof } = proved(prover, heldToken, Date.now()) as { proof: { dpop: string } };
      return proof.dpop;
    });

  /** Answers a second. */
  async function rate(asked: readonly string[], ask: (dpop: string) => Promise<boolean>): Promise<number> {
    const begun = performance.now();
    let next = 0;
    await workers(CALLERS, async () => {
      for (let dpop = asked[next++]; dpop !== undefined; dpop = asked[next++]) {
        if (!(await ask(dpop))) throw new Error("a good token was refused");
      }
    });
    return (asked.length * 1_000) / (performance.now() - begun);
  }
  const decide = async (request: VerifyRequest) => (await decisions.decide(caller, request)).allowed;
  const text = Buffer.alloc(500, "a");
  const signature = sign(null, text, prover.privateKey);
  const bare = () => verify(null, text, prover.publicKey, signature);
  const contenders: readonly Contender[] = [
    { name: BUDGETED, run: () => rate(freshProofs(), () => decide(question(free))) },
    { name: PROVED, run: () => rate(freshProofs(), (dpop) => decide(held(dpop))) },
    { name: BARE, run: () => rate(freshProofs(), async () => bare() && (await decide(question(free)))) },
  ];
  try {
    for (const { run } of contenders) await run(0);
    const series = await interleaved("verifications/s", rounds, contenders);
    return {
      series,
      targets: [
        atLeast(
          "a proof checked (Ed25519), of a loop that does a budgeted verify and a bare crypto.verify",
          ratio(series, PROVED, BARE),
          0.7,
        ),
      ],
      notes: [
        `${CALLERS} callers in process, one hot counter on Postgres. A proof is read, its key opened, its signature checked and its jti recorded in the round trip that charges.`,
      ],
    };
  } finally {
    await replica.stop();
    fleet.remove();
  }
}
