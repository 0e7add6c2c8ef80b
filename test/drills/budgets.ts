import postgres from "postgres";

import { startPostgres } from "../support/postgres-server.ts";
import { endAll, run } from "../support/process.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { createClient } from "../support/process-client.ts";
import { credential, newHome, startService } from "../support/process-service.ts";
import { type Answer, faults, newFamily, spend } from "./hundred-children.ts";
import { measureNeighbours } from "./quiet-neighbour.ts";

// node test/drills/budgets.ts [rounds]
// A hundred offline children of one budget, asked for by 64 callers on two replicas: once as it is, and then in each round
// with Postgres killed (SIGKILL) and started again at another moment. Then what a platform with one hot token leaves to
// another one. Ends with 0 only if no budget was ever exceeded, and nothing that was charged was lost.

const rounds = Number(process.argv[2] ?? 8);
const say = (line: string) => void process.stdout.write(`${line}\n`);

/** Another database of the server: what is measured has a master key of its own. */
async function newDatabase(url: string): Promise<string> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  await sql`create database neighbours template template0`;
  await sql.end();
  const own = new URL(url);
  own.pathname = "/neighbours";
  return own.href;
}

const server = await startPostgres();
const [home, other] = [newHome(server.url), newHome(server.url)];
const script = builtBundle();
try {
  const bootstrap = run(script, ["bootstrap"], { env: home.env });
  if ((await bootstrap.ended).code !== 0) throw new Error(bootstrap.stderr());
  const env = { LOG_LEVEL: "error" };
  const services = [
    await startService(script, home, env),
    await startService(script, home, { ...env, DATA_DIR: other.dataDir }),
  ];
  const clients = services.map(({ url }) => createClient(url));
  const platform = { token: credential(home, "default.token") };
  const client = (n: number) => {
    const found = clients[n % clients.length];
    if (found === undefined) throw new Error("no replica");
    return found;
  };

  async function ask(call: number, token: string): Promise<Answer> {
    const { status, body, text } = await client(call).call("POST", "/v1/verify", {
      as: platform,
      body: { token, context: {} },
    });
    if (status === 503) return "unanswered";
    const { allowed, code } = body as { readonly allowed?: boolean; readonly code?: string };
    if (status === 200 && allowed === true) return "allowed";
    if (code === "budget_exhausted") return code;
    throw new Error(`verify answered ${status}: ${text.slice(0, 300)}`);
  }

  const issue = async () => {
    const body = { platform: "default", ttl: 3_600, on_behalf_of: { subject: "alice" } };
    return (await client(0).issue(platform, body)).token;
  };

  for (let round = 0; round <= rounds; round++) {
    const family = newFamily(await issue());
    // The first is never killed; the others at moments from the first calls to the last.
    const at = round === 0 ? undefined : Math.ceil(((round - 0.5) * family.most) / rounds);
    let crash: Promise<void> | undefined;
    const begun = performance.now();
    const spent = await spend(family, ask, (count) => {
      if (count === at) crash = server.crash().then(() => server.restart());
    });
    await crash;
    const allowed = spent.allowed.reduce((sum, one) => sum + one, 0);
    const how = at === undefined ? "without a kill" : `killed after ${at}`;
    say(
      `${how}: ${allowed} of ${family.most} allowed, ${spent.unanswered} times no answer, ${Math.round(performance.now() - begun)} ms`,
    );
    const found = [...(await faults(family, spent, server.url))];
    if (at === undefined && spent.unanswered > 0) found.push("a call got no answer, and nothing was killed");
    if (at !== undefined && spent.unanswered === 0) found.push("the kill was noticed by nobody");
    for (const fault of found) say(`  FAILED: ${fault}`);
    if (found.length > 0) process.exitCode = 1;
  }
  for (const service of services) await service.end("SIGTERM");

  const { alone, ...rates } = await measureNeighbours(await newDatabase(server.url), {
    rounds: 7,
    milliseconds: 1_500,
  });
  say(`a platform's budgeted verifies: ${Math.round(alone)}/s alone`);
  for (const [what, beside, of] of [
    ["half of that, beside 64 callers with one token of another platform", rates.pacedBesideHot, rates.paced],
    ["of what 64 callers with a token each leave it", rates.besideHot, rates.besideEven],
  ] as const) {
    const ratio = beside / of;
    say(`  ${what}: ${Math.round(beside)}/s of ${Math.round(of)}/s = ${ratio.toFixed(2)}, at least 0.80`);
    if (ratio >= 0.8) continue;
    say("  MISSED");
    process.exitCode = 1;
  }
} catch (error) {
  say(`FAILED: ${error instanceof Error ? error.message : "unknown"}`);
  process.exitCode = 1;
} finally {
  endAll("SIGKILL");
  await server.stop();
  home.remove();
  other.remove();
}
