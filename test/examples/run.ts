/**
 * Runs an example: `npm run example -- hono-api`, against a service with a throw-away folder, or against that of
 * `BAKEHOUSE_URL` and `BAKEHOUSE_CREDENTIAL`. With `--by-hand` nobody plays alice: her page is yours to open.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";

import { openHouse } from "../demo/house.ts";
import { EXAMPLES, play } from "./play.ts";

const { values, positionals } = parseArgs({
  options: { "by-hand": { type: "boolean" } },
  allowPositionals: true,
});
const [name = ""] = positionals;
if (!EXAMPLES.includes(name)) {
  console.error(`npm run example -- NAME, one of: ${EXAMPLES.join(", ")}`);
  process.exit(2);
}

const { BAKEHOUSE_URL: url, BAKEHOUSE_CREDENTIAL: credential } = process.env;
const house = openHouse(join(import.meta.dirname, "../../dist/bakehouse.js"));
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => void house.close().finally(() => process.exit(1)));
}
try {
  const service = url === undefined || credential === undefined ? await house.start() : { url, credential };
  const { code } = await play(name, {
    ...service,
    folder: import.meta.dirname,
    byHand: values["by-hand"] === true,
    onOutput: (text) => void process.stdout.write(text),
  });
  process.exitCode = code ?? 1;
} finally {
  await house.close();
}
