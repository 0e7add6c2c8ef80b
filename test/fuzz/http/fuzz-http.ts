import { choicesOf } from "../choices.ts";
import { createRecord, type FuzzPart, type FuzzReport, type FuzzSettings } from "../part.ts";
import { judge, LONG, PATIENCE } from "./judge.ts";
import { OPERATIONS } from "./operations.ts";
import { makeRequest } from "./request.ts";
import { startTarget, type Target } from "./target.ts";
import { exchange } from "./wire.ts";

/** Requests between two looks at whether the callers are still known. */
const ROUND = 250;

/** Asks a service everything that openapi.yaml describes. */
export async function fuzzHttp(target: Target, { seed, count }: FuzzSettings): Promise<FuzzReport> {
  const record = createRecord();
  for (let at = 0; at < count; at++) {
    if (at % ROUND === ROUND - 1) await target.refresh();
    const choices = choicesOf(`http ${at}`, seed);
    const operation = OPERATIONS[at % OPERATIONS.length];
    if (operation === undefined) throw new Error("openapi.yaml has no operations");
    const request = makeRequest(choices, operation, target);
    const { port } = target;
    const outcome = await exchange({ port, bytes: request.bytes, ends: request.isCut, patience: PATIENCE });
    record.count(outcome.kind === "answered" ? String(outcome.answer.status) : outcome.kind);
    if (outcome.kind === "answered" && outcome.answer.took > LONG) record.note(`over ${LONG} ms`);
    const faults = await judge(request, outcome, target);
    if (faults.length === 0) continue;
    const shown = JSON.stringify(request.bytes.toString("latin1").slice(0, 3_000));
    record.find(`${at}, ${operation.id} by ${request.caller}: ${faults.join("; ")}\n    ${shown}`);
  }
  for (const fault of faultsInLog(target)) record.find(fault);
  return record.report();
}

/** What the log should not hold: a secret, or a fault of the service. */
function faultsInLog(target: Target): readonly string[] {
  const log = target.log();
  const lines = Buffer.from(log).toString().split("\n");
  return [
    ...target.secretsIn(log).map(({ secret, form }) => `the log holds ${secret} as ${form}`),
    ...lines
      .filter((line) => line.includes('"level":50'))
      .map((line) => `the log tells of a fault: ${line.slice(0, 1_000)}`),
  ];
}

/** Every operation of openapi.yaml, asked rightly and wrongly. */
export const HTTP: FuzzPart = {
  name: "http",
  about: "every operation of openapi.yaml: bodies, parameters, headers, encodings, callers",
  usual: 5_000,
  async run(settings) {
    const target = await startTarget();
    try {
      return await fuzzHttp(target, settings);
    } finally {
      await target.stop();
    }
  },
};
