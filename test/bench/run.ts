import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { join } from "node:path";

// `npm run bench` runs every part, `npm run bench -- caveats` the parts that are named. Each part starts what
// it needs, interleaves what it compares, and says of each target whether it is met. Figures are ratios in
// one run: a machine's absolute speed is nobody's business but its owner's.
const PARTS = ["caveats", "client", "revocation"];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((part) => !PARTS.includes(part));
if (unknown.length > 0) {
  process.stderr.write(`no such part: ${unknown.join(", ")}; there are ${PARTS.join(", ")}\n`);
  process.exit(2);
}
const [cpu] = cpus();
process.stdout.write(
  `${cpu?.model ?? "unknown processor"}, ${cpus().length} cores, Node ${process.version}\n`,
);
let failed = false;
for (const part of wanted.length > 0 ? wanted : PARTS) {
  process.stdout.write(`\n== ${part}\n`);
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, `${part}.ts`)], {
    stdio: "inherit",
  });
  failed ||= status !== 0;
}
process.exitCode = failed ? 1 : 0;
