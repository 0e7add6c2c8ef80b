import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

import { checkExport } from "../../src/client/index.ts";
import { createProving } from "../../src/domain/audit/proving.ts";
import { hashing } from "../../src/domain/audit/tree.ts";
import { defaultSha256 as sha256 } from "../../src/macaroon/index.ts";
import { encodeBase64 } from "../../src/tlog/base64.ts";
import { blocksOf, foldBlocks } from "../../src/tlog/blocks.ts";
import { printCheckpoint } from "../../src/tlog/checkpoint.ts";
import { printNote, printVerifierKey } from "../../src/tlog/note.ts";
import { inclusionRanges, rangesAround } from "../../src/tlog/proofs.ts";
import { blockHash, growTiles, tileKey, tileOf } from "../../src/tlog/tiles.ts";
import { auditEvent } from "../storage/samples.ts";
import { question } from "../support/question.ts";
import { newFleet, openServerStore, platformCaller, startReplica } from "../support/replica.ts";
import { newDatabase } from "./database.ts";
import {
  atLeast,
  atMost,
  type Effort,
  type Findings,
  interleaved,
  median,
  ratio,
  type Series,
} from "./figures.ts";

/** Events that wait when the integration is measured. */
const WAITING = 20_000;
/** Decisions a second, and seconds. */
const DECISIONS = 4_000;
const SECONDS = 6;
const PROOFS = 300;
const TEN_MILLION = 10_000_000;
const MILLION = 1_000_000;
/** Where a difference of a twentieth is to be told. */
const LEAST_ROUNDS = 20;

/** What the audit tree costs, and what it bears. */
export async function audit({ rounds }: Effort): Promise<Findings> {
  const verify = await verifies(Math.max(rounds, LEAST_ROUNDS));
  const { series, perSecond, gaps, late } = await writes();
  const proof = await proofs();
  const seconds = await exportOf(MILLION);
  return {
    part: "audit",
    series: [...verify, ...series],
    targets: [
      atMost(
        "processor time of a verify, one in ten refused, refused ones recorded / none recorded",
        ratio(verify, "verify, refused ones recorded", "verify, none recorded"),
        1.05,
      ),
      atLeast("events that get their places", perSecond, 5_000, "/s"),
      atMost(`decisions missing at ${DECISIONS} a second`, gaps, 0, ""),
      atMost("from a decision to its checkpoint, p99", late, 5_000, " ms"),
      atMost("an inclusion proof among ten million leaves, tiles from Postgres", proof, 5, " ms"),
      atMost("checking an export of a million events", seconds, 60, " s"),
    ],
    notes: [
      "Verify in this process, by its processor time; decisions are handed to the queue as verify does it. The tiles of ten million leaves are made up.",
    ],
  };
}

async function verifies(rounds: number): Promise<readonly Series[]> {
  const fleet = newFleet();
  const url = await newDatabase();
  const made: Awaited<ReturnType<typeof startReplica>>[] = [];
  for (const decisions of ["none", "refused"] as const) {
    made.push(await startReplica({ store: await openServerStore(url), fleet, audit: { decisions } }));
  }
  const { token } = (await made[0]?.issue()) ?? { token: "" };
  const caller = platformCaller("default");
  const contenders = ["verify, none recorded", "verify, refused ones recorded"].map((name, at) => ({
    name,
    async run() {
      const decisions = made[at]?.composed.service.decisions;
      const begun = process.cpuUsage();
      const calls = 20_000;
      for (let n = 0; n < calls; n++) {
        await decisions?.decide(caller, question(n % 10 === 0 ? `${token}A` : token));
        if (n % 500 === 0) await pause(1);
      }
      await made[at]?.composed.audit.decisionLog.flush();
      const { user, system } = process.cpuUsage(begun);
      return (user + system) / calls;
    },
  }));
  try {
    return await interleaved("µs/call", rounds, contenders);
  } finally {
    for (const replica of made) await replica.stop();
    fleet.remove();
  }
}

async function writes() {
  const fleet = newFleet();
  const url = await newDatabase();
  const replica = await startReplica({
    store: await openServerStore(url),
    fleet,
    audit: { decisions: "all" },
  });
  const { audit: parts } = replica.composed;
  const drain = async () => {
    while ((await parts.integration.step()) === "more");
  };
  try {
    await drain();
    const rates: number[] = [];
    for (let round = 0; round < 3; round++) {
      const events = Array.from({ length: WAITING }, (_, n) => decisionLike(round * WAITING + n));
      await replica.store.audit.append(events);
      const begun = performance.now();
      await drain();
      rates.push((WAITING * 1_000) / (performance.now() - begun));
    }

    const caller = platformCaller("default");
    const before = await sizeOf(replica.store);
    const noted: number[] = [];
    const lateness: number[] = [];
    let placed = 0;
    let over = false;
    const about = {
      platform: "default",
      tokenId: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081",
      principalId: "pW3kD0q9xYb2LmNa",
      link: { text: "q83vEjRWeJCrze8SNFZ4kA" },
      agents: () => ["orchestrator", "researcher"],
    };
    const growing = (async () => {
      while (!over || placed < noted.length) {
        await parts.integration.step();
        const now = performance.now();
        const size = Math.min(noted.length, (await sizeOf(replica.store)) - before);
        for (; placed < size; placed++) lateness.push(now - (noted[placed] ?? now));
        await pause(200);
      }
    })();
    const begun = performance.now();
    while (performance.now() - begun < SECONDS * 1_000) {
      const due = ((performance.now() - begun) / 1_000) * DECISIONS;
      while (noted.length < due) {
        noted.push(performance.now());
        parts.decisionLog.note(caller, { dryRun: false }, { allowed: true } as never, about);
      }
      await pause(5);
    }
    await parts.decisionLog.flush();
    over = true;
    await growing;
    const sorted = lateness.toSorted((a, b) => a - b);
    return {
      series: [{ name: "events that get their places", unit: "/s", values: rates }],
      perSecond: median(rates),
      gaps: replica.reports.filter((report) => report.includes("missing")).length,
      late: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN,
    };
  } finally {
    await replica.stop();
    fleet.remove();
  }
}

function decisionLike(n: number) {
  const id = `${Date.now().toString(16).padStart(12, "0")}7${randomBytes(10).toString("hex").slice(0, 3)}8${n.toString(16).padStart(15, "0")}`;
  return auditEvent(n, {
    id: id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"),
    details: { token_id: id, revocation_id: id, agents: ["orchestrator", "researcher"] },
  });
}

async function sizeOf(store: Awaited<ReturnType<typeof openServerStore>>): Promise<number> {
  return (await store.auditTrees.trees()).at(-1)?.size ?? 0;
}

/** Milliseconds, of the median proof: each with no tile in memory. */
async function proofs(): Promise<number> {
  const store = await openServerStore(await newDatabase());
  try {
    const leaves = Array.from({ length: PROOFS }, () => Math.floor(Math.random() * TEN_MILLION));
    const places = new Map(
      leaves.flatMap((index) =>
        inclusionRanges(index, TEN_MILLION)
          .flatMap(({ from, to }) => blocksOf(from, to))
          .map(tileOf)
          .map((place) => [tileKey(place), place] as const),
      ),
    );
    const tiles = [...places.values()].map((place) => ({
      ...place,
      hashes: new Uint8Array(randomBytes(8_192)),
    }));
    for (let at = 0; at < tiles.length; at += 200)
      await store.auditTrees.putTiles(1, tiles.slice(at, at + 200));
    const took: number[] = [];
    for (const index of leaves) {
      const begun = performance.now();
      const proof = await createProving(store.auditTrees, 1).proof(inclusionRanges(index, TEN_MILLION));
      took.push(performance.now() - begun);
      if (proof.length === 0) throw new Error("there is no proof");
    }
    return median(took);
  } finally {
    await store.close();
  }
}

/** Seconds that checking takes, the making of the lines included, which is a small part of it. */
async function exportOf(count: number): Promise<number> {
  const leafOf = (n: number) =>
    `{"action":"verify.allowed","actor":{"kind":"credential","role":"platform:default","tokenId":"019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081"},"at":"2026-11-22T13:00:00.000Z","details":{"agents":["orchestrator","researcher"],"principal_id":"pW3kD0q9xYb2LmNa","revocation_id":"q83vEjRWeJCrze8SNFZ4kA","token_id":"019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081"},"id":"${n}","platform":"default","salt":"00112233445566778899aabbccddeeff"}`;
  const hashes = Array.from({ length: count }, (_, n) =>
    createHash("sha256").update(Buffer.of(0)).update(leafOf(n)).digest(),
  );
  const { root, tiles } = growTiles(hashing, 0, [], hashes);
  const byPlace = new Map(tiles.map((tile) => [tileKey(tile), tile.hashes]));
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = {
    name: "log.example/1",
    publicKey: Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url"),
  };
  const text = printCheckpoint({ origin: key.name, size: count, root });
  const note = printNote(sha256, text, key, sign(null, Buffer.from(text), privateKey));

  function* lines(): Generator<string> {
    yield JSON.stringify({
      kind: "checkpoint",
      format: 1,
      tree: 1,
      key: printVerifierKey(sha256, key),
      checkpoint: note,
    });
    for (let from = 0; from < count; from += 256) {
      const to = Math.min(count, from + 256);
      const proof = rangesAround({ from, to }, count).map((range) =>
        encodeBase64(
          foldBlocks(
            hashing,
            blocksOf(range.from, range.to).map(
              (block) =>
                blockHash(hashing, byPlace.get(tileKey(tileOf(block))) ?? new Uint8Array(), block) ??
                new Uint8Array(),
            ),
          ),
        ),
      );
      const tile = byPlace.get(tileKey({ level: 0, index: from / 256 })) ?? new Uint8Array();
      yield JSON.stringify({ kind: "tile", tree: 1, index: from / 256, hashes: encodeBase64(tile), proof });
      for (let n = from; n < to; n++)
        yield JSON.stringify({ kind: "event", tree: 1, index: n, leaf: leafOf(n) });
    }
    yield JSON.stringify({ kind: "end", events: count, waiting: 0 });
  }

  const begun = performance.now();
  const report = await checkExport(lines());
  if (report.faults.length > 0 || report.events !== count) throw new Error("the export is wrong");
  return (performance.now() - begun) / 1_000;
}
