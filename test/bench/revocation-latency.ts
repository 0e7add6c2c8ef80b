import { setTimeout as sleep } from "node:timers/promises";

import { histogram, quantile } from "../revocation/hammer.ts";
import { run } from "../support/process.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { type Client, createClient } from "../support/process-client.ts";
import { credential, newHome, startService } from "../support/process-service.ts";

/** Times from an acknowledgement on one replica to the refusal on another, milliseconds. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
  readonly histogram: string;
  /** Verifications a second that the other replica answered meanwhile. */
  readonly load: number;
}

const ENTRY = "test/drills/replica-process.ts";
const AT_ONCE = 4;

async function until(refuses: () => Promise<boolean>): Promise<void> {
  while (!(await refuses())) await sleep(1);
}

/** Two processes on loopback, revoking on one while the other is kept busy verifying. */
export async function measureLatency(
  databaseUrl: string,
  { listens, poll, count }: { readonly listens: boolean; readonly poll: number; readonly count: number },
): Promise<Latency> {
  const home = newHome(databaseUrl);
  const quiet = { LOG_LEVEL: "warn", REPLICA_LISTENS: listens ? "yes" : "no", REPLICA_POLL: String(poll) };
  const boot = run(builtBundle(), ["bootstrap"], { env: home.env });
  if ((await boot.ended).code !== 0) throw new Error(boot.stderr());
  const script = builtBundle(ENTRY);
  const [one, other] = [await startService(script, home, quiet), await startService(script, home, quiet)];
  try {
    const [here, there] = [createClient(one.url), createClient(other.url)];
    const platform = { token: credential(home, "default.token") };
    const body = { platform: "default", on_behalf_of: { subject: "bench" } };
    const issue = () => here.issue(platform, body);
    await sleep(1_500); // until both listen

    let stopped = false;
    let verified = 0;
    const { token: good } = await issue();
    const loads = Array.from({ length: AT_ONCE }, () => keepBusy(there, platform, good));
    async function keepBusy(client: Client, as: typeof platform, token: string): Promise<void> {
      while (!stopped) {
        if (!(await client.verify(as, token)).allowed) throw new Error("the load's token was refused");
        verified += 1;
      }
    }

    const begun = performance.now();
    const latencies: number[] = [];
    let left = count;
    const worker = async () => {
      while (left-- > 0) {
        const { token } = await issue();
        await there.verify(platform, token);
        await here.revoke(undefined, { token });
        const acknowledged = performance.now();
        await until(async () => !(await there.verify(platform, token)).allowed);
        latencies.push(performance.now() - acknowledged);
        // Spread over the time between two polls, or all would be told by the same one.
        await sleep(Math.random() * Math.min(poll, 20));
      }
    };
    await Promise.all(Array.from({ length: listens ? 2 : 16 }, worker));
    const seconds = (performance.now() - begun) / 1_000;
    stopped = true;
    await Promise.all(loads);
    return {
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      most: Math.max(...latencies),
      histogram: histogram(latencies),
      load: verified / seconds,
    };
  } finally {
    await Promise.all([one.end("SIGTERM"), other.end("SIGTERM")]);
    home.remove();
  }
}
