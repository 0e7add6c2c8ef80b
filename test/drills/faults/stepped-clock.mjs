/*
 * Loaded into a service (`--import`): at SIGUSR2 its wall clock steps by as many milliseconds as the file CLOCK_STEP
 * says, for all that runs in the process. The monotonic clock goes on, as the machine's does.
 */
import { readFileSync } from "node:fs";

const now = Date.now;
let step = 0;
process.on("SIGUSR2", () => {
  step = Number(readFileSync(process.env.CLOCK_STEP ?? "", "utf8"));
});
Date.now = () => now() + step;
globalThis.Date = new Proxy(Date, {
  construct: (target, args, made) =>
    Reflect.construct(target, args.length === 0 ? [Date.now()] : args, made === Date ? target : made),
});
