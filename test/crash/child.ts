import { createInterface } from "node:readline";

import { parseConfig } from "../../src/config.ts";
import type { Step } from "../../src/domain/ports/steps.ts";
import { open } from "../../src/run/open.ts";
import { serve } from "../../src/run/serve.ts";

// The service as it is, but for two things: it dies where it is told to, and its clock and the database's can
// be moved. Both are set by the environment, for what happens at the start, or by lines on standard input.

let dieAt = process.env["DRILL_DIE_AT"];
let shift = Number(process.env["DRILL_SHIFT"] ?? "0");

const say = (line: string) => void process.stderr.write(`${line}\n`);

/** Ends the process as a power switch does: nothing of it runs any more, no handler and no `finally`. */
function die(): void {
  process.kill(process.pid, "SIGKILL");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

const overrides = {
  // Both clocks, or they would disagree and nothing would be answered.
  clock: { now: () => Date.now() + shift, monotonic: () => performance.now() },
  steps: {
    passed(step: Step) {
      if (step === dieAt) die();
    },
  },
  shiftDatabaseClock: () => shift,
};

async function bootstrap(reissue: boolean): Promise<void> {
  const opened = await open(parseConfig(process.env), overrides);
  const { outcome } = await opened.bootstrap.run(reissue);
  await opened.close();
  say(`drill: ${outcome}`);
}

async function answerUntilStopped(): Promise<void> {
  const serving = await serve(parseConfig(process.env), overrides);
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    const [command, value = ""] = line.split("=");
    if (command === "die at") dieAt = value;
    if (command === "shift") shift = Number(value);
    say(`drill: ${line}`);
  });
  process.on("SIGTERM", () => void serving.stop().then(() => process.exit(0)));
  say(`drill: ${serving.bootstrapped?.outcome ?? "bootstrapped elsewhere"}`);
  say("bakehouse: ready");
}

const command = process.argv[2];
await (command === "serve" ? answerUntilStopped() : bootstrap(command === "reissue"));
