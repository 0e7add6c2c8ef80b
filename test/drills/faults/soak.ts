import { readFileSync } from "node:fs";

import { type Callers, callersAsk } from "../hostile/processes.ts";
import type { Drill, DrillSettings } from "./drill.ts";
import { openStand, type Stand } from "./stand.ts";
import { trendOf } from "./trend.ts";

const SIXTHS = 6;
/** Of what it can answer. */
const SHARE = 0.7;
/** Of what is offered, at least so much is answered. */
const ANSWERED = 0.98;
const SLOWER = 1.2;
/** Milliseconds between two looks at the memory. */
const LOOK = 1_000;
/** Seconds in which callers that have just started catch up, part of none of the sixths: a core that is nearly full takes that long. */
const WARM_UP = 20;
/** Seconds in which it is found out how much it can answer. */
const TRIAL = { seconds: 10 };

/** Megabytes that a process has in memory. */
function resident(pid: number): number {
  return Number(/^VmRSS:\s+([0-9]+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024;
}

function callersOf(stand: Stand) {
  const { port } = stand.service();
  const question = JSON.stringify({ token: stand.token, context: {} });
  const lines = [
    "POST /v1/verify HTTP/1.1",
    `host: 127.0.0.1:${port}`,
    `authorization: Bearer ${stand.platform.token}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(question)}`,
    "",
    question,
  ];
  return { port, request: lines.join("\r\n"), expect: '{"allowed":true', connections: 16 };
}

async function run({ minutes, bound, say }: DrillSettings) {
  const stand = await openStand({ bound, isMute: true });
  const faults: string[] = [];
  const late: string[] = [];
  try {
    const { pid } = stand.service();
    const callers = callersOf(stand);
    const most = await callersAsk({ ...callers, ...TRIAL });
    const rate = Math.floor(most.perSecond * SHARE);
    say(`  it answers ${most.perSecond.toFixed(0)} a second, so ${rate} are asked`);
    const begun = performance.now();
    const samples: [hours: number, megabytes: number][] = [];
    const looking = setInterval(
      () => samples.push([(performance.now() - begun) / 3.6e6, resident(pid)]),
      LOOK,
    );
    const sixths: Callers[] = [];
    for (let at = 1; at <= SIXTHS; at++) {
      const one = await callersAsk({ ...callers, rate, seconds: (minutes * 60) / SIXTHS, warmUp: WARM_UP });
      sixths.push(one);
      const ms = (value: number | null) => value?.toFixed(1) ?? "–";
      say(
        `  part ${at} of ${SIXTHS}: ${one.perSecond.toFixed(0)} a second, p50 ${ms(one.p50)} ms, p99 ${ms(one.p99)} ms, ${one.failed} 5xx, ${resident(pid).toFixed(0)} MB`,
      );
    }
    clearInterval(looking);

    const total = (of: (one: Callers) => number) => sixths.reduce((sum, one) => sum + of(one), 0);
    const [wrong, failed] = [total((one) => one.wrong), total((one) => one.failed)];
    if (wrong > 0) faults.push(`${wrong} wrong answers: ${sixths.find((one) => one.wrong > 0)?.firstWrong}`);
    const answered = total((one) => one.perSecond) / SIXTHS / rate;
    if (answered < ANSWERED) late.push(`only ${answered.toFixed(2)} of what was asked was answered in time`);
    const [first, last] = [sixths[0]?.p99 ?? Number.NaN, sixths.at(-1)?.p99 ?? Number.NaN];
    if (!(last <= first * SLOWER)) late.push(`p99 went from ${first.toFixed(1)} to ${last.toFixed(1)} ms`);
    // In the first sixth the heap takes its size.
    const { slope, noise, mean } = trendOf(samples.slice(Math.floor(samples.length / SIXTHS)));
    const memory = `${mean.toFixed(0)} MB, slope ${slope.toFixed(1)} ± ${noise.toFixed(1)} MB an hour`;
    if (!(slope <= noise)) faults.push(`memory grows: ${memory}`);
    const saw = [
      `${minutes} minutes at ${rate} verifications a second, ${SHARE} of what it can`,
      `${failed} 5xx, ${wrong} wrong answers`,
      `p99 of the first sixth ${first.toFixed(1)} ms, of the last ${last.toFixed(1)} ms`,
      memory,
    ].join("; ");
    return { saw, recovery: undefined, faults, late };
  } finally {
    await stand.close();
  }
}

/** Load for a long time: memory, errors, latency. */
export const SOAK: Drill = {
  name: "soak",
  about: `load of ${SHARE} for so many minutes: memory stays, nothing fails, the p99 stays`,
  isLong: true,
  run,
};
