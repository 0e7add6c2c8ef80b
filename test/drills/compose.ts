import { setTimeout as pause } from "node:timers/promises";

import { findProgram } from "../support/find-program.ts";
import { createClient } from "../support/process-client.ts";
import { checkMetrics, checkRights, checkSecrets, crash, type Faults } from "./compose/checks.ts";
import { docker, findCompose } from "./compose/engine.ts";
import { type HostIssuer, startHostIssuer } from "./compose/issuer.ts";
import { type ComposeStand, openComposeStand, PUBLIC_URL, SERVICE } from "./compose/stand.ts";
import { beginLoad, longest, statusesOf, within } from "./faults/load.ts";

// node test/drills/compose.ts
// Builds the image twice and follows src/deploy/README.md with a Docker engine, its commands as they stand there: secrets, start,
// first credentials, an upgrade, the end. On the way the service is killed, and Postgres restarted and stopped under load. The
// identity provider is that of the tests, on this machine; ports 8080 and 9464 have to be free. Ends with 1 if something does
// not hold, and with 2 if there is no engine. It removes its containers, volumes, networks and images, also after Ctrl-C.

const IMAGE = "bakehouse-drill";
/** An image that is there, and in which no migration can run. */
const BASE = "node:26-bookworm-slim";
/** Milliseconds: how long verify goes on without Postgres. */
const BOUND = 10_000;
const faults: Faults = [];
const tell = (line: string) => void process.stdout.write(`${line}\n`);
const seconds = (milliseconds: number) => `${(milliseconds / 1_000).toFixed(1)} s`;

function expect(met: boolean, what: string): void {
  if (met) return;
  faults.push(what);
}

/** Tells the outcome of a step. */
async function step(name: string, run: () => Promise<string>): Promise<void> {
  const before = faults.length;
  const begun = performance.now();
  const saw = await run();
  tell(`${name}: ${saw} (${seconds(performance.now() - begun)})`);
  for (const fault of faults.slice(before)) tell(`  MISSED ${fault}`);
}

async function build(revision: string): Promise<string> {
  const image = `${IMAGE}:${revision}`;
  const args = ["--build-arg", `REVISION=${revision}`, "--build-arg", "VERSION=drill"];
  await docker("build", "--tag", image, ...args, `${import.meta.dirname}/../..`);
  return image;
}

/** Signs a person in: from the service to the issuer and back. @returns the page that they see */
async function signIn(issuer: HostIssuer): Promise<string> {
  const begun = await fetch(`${SERVICE}/login`, { redirect: "manual" });
  const cookies = (answer: Response) =>
    answer.headers
      .getSetCookie()
      .map((cookie) => cookie.split(";")[0])
      .join("; ");
  const back = new URL(await issuer.visit(new URL(begun.headers.get("location") ?? "")));
  if (back.origin !== PUBLIC_URL) faults.push(`the issuer sends back to ${back.origin}`);
  const ended = await fetch(`${SERVICE}${back.pathname}${back.search}`, {
    redirect: "manual",
    headers: { cookie: cookies(begun) },
  });
  if (ended.status !== 303) return await ended.text();
  return await fetch(`${SERVICE}/`, { headers: { cookie: cookies(ended) } }).then((page) => page.text());
}

async function drill(stand: ComposeStand, issuer: HostIssuer): Promise<void> {
  const client = createClient(SERVICE);
  let admin = "";
  let platform = "";
  let token = "";

  await step("start", async () => {
    await stand.follow("compose-secrets");
    await stand.follow("compose-start");
    const healthy = await stand.untilHealth("healthy");
    expect(Number.isFinite(healthy), "the service is not healthy");
    expect((await stand.inspect("migrate", "{{.State.ExitCode}}")) === "0", "migrate did not end with 0");
    return `healthy ${seconds(healthy)} after Compose came back`;
  });

  await step("first credentials", async () => {
    admin = (await stand.follow("compose-bootstrap")).trim().split("\n").at(-1)?.trim() ?? "";
    platform = (await stand.inside("bakehouse", "cat", "/data/default.token")).stdout.trim();
    const body = { rules: [{ max_ttl: 86_400, on_behalf_of: true }] };
    const changed = await client.call("PUT", "/v1/platforms/default/policy", { as: { token: admin }, body });
    expect(changed.status === 200, `the policy was not changed: ${changed.text}`);
    const asked = { platform: "default", on_behalf_of: { subject: "alice" } };
    token = (await client.issue({ token: platform }, asked)).token;
    expect((await client.verify({ token: platform }, token)).allowed, "a new token is not allowed");
    return "bootstrapped, issued, verified";
  });

  await step("a person signs in", async () => {
    const page = await signIn(issuer);
    expect(page.includes("Alice"), `nobody is signed in: ${page.slice(0, 300)}`);
    return "by the issuer, over TLS with a name and an authority of its own";
  });

  await step("rights", async () => {
    await checkRights(stand, `${IMAGE}:one`, faults);
    await checkMetrics(faults);
    return "user, capabilities, read-only systems, ports, networks, metrics";
  });

  const asker = { token, platform: { token: platform } };

  await step("kill -9 of the service", async () => {
    await crash(stand, "bakehouse", `${IMAGE}:one`);
    await pause(500);
    const healthy = await stand.untilHealth("healthy");
    expect((await stand.inspect("bakehouse", "{{.RestartCount}}")) === "1", "the engine did not restart it");
    expect((await client.verify({ token: platform }, token)).allowed, "a token is not allowed after it");
    return `healthy again after ${seconds(healthy)}`;
  });

  await step("restart of Postgres under load", async () => {
    const load = beginLoad(asker, () => [SERVICE]);
    await pause(2_000);
    const begun = performance.now();
    await stand.compose("restart", "postgres");
    const back = performance.now();
    await pause(6_000);
    await load.stop();
    const verified = within(load.asked, "verify", 0, Number.POSITIVE_INFINITY);
    const issued = within(load.asked, "issue", 0, Number.POSITIVE_INFINITY);
    // An engine on a busy machine takes longer than the bound to restart it; questions after that are 503.
    const early = verified.filter(({ at }) => at < begun + BOUND);
    expect(
      early.every(({ status }) => status === 200),
      `verify within the bound: ${statusesOf(early)}`,
    );
    expect(
      issued.every(({ status }) => status === 201 || status === 503),
      `issue: ${statusesOf(issued)}`,
    );
    const late = issued.filter(({ status, at }) => status !== 201 && at > back).map(({ at }) => at - back);
    const recovery = Math.max(0, ...late);
    expect(recovery < 5_000, `changes fail ${seconds(recovery)} after Postgres is back`);
    const away = seconds(back - begun);
    return `away ${away}; verify ${statusesOf(verified)}, issue ${statusesOf(issued)} (${longest(issued)} ms); back ${seconds(recovery)} later`;
  });

  await step("Postgres away for longer than the bound", async () => {
    const question = { token, context: {} };
    await stand.compose("stop", "postgres");
    const begun = performance.now();
    const early = await client.call("POST", "/v1/verify", { as: { token: platform }, body: question });
    if (performance.now() - begun < BOUND / 2) expect(early.status === 200, `verify is ${early.status}`);
    const unhealthy = await stand.untilHealth("unhealthy");
    expect(Number.isFinite(unhealthy), "the health check sees nothing");
    const late = await client.call("POST", "/v1/verify", { as: { token: platform }, body: question });
    expect(late.status === 503, `verify is ${late.status} past the bound`);
    await stand.compose("start", "postgres");
    const healthy = await stand.untilHealth("healthy");
    expect((await stand.inspect("bakehouse", "{{.RestartCount}}")) === "1", "it was restarted meanwhile");
    return `unhealthy after ${seconds(unhealthy)}, healthy ${seconds(healthy)} after its start`;
  });

  await step("an upgrade that fails", async () => {
    const before = await stand.container("bakehouse");
    stand.use(BASE);
    const failed = await stand.follow("compose-upgrade").then(
      () => false,
      () => true,
    );
    expect(failed, "an image without the command migrates");
    expect((await stand.container("bakehouse")) === before, "the old version was replaced");
    expect((await client.verify({ token: platform }, token)).allowed, "the old version does not serve");
    return "the old version serves on";
  });

  await step("upgrade under load", async () => {
    const gateway = (await stand.follow("compose-proxy")).trim();
    stand.use(`${IMAGE}:two`, [`TRUSTED_PROXIES=${gateway}`]);
    const load = beginLoad(asker, () => [SERVICE]);
    await pause(1_000);
    await stand.follow("compose-upgrade");
    const healthy = await stand.untilHealth("healthy");
    await load.stop();
    const label = '{{index .Config.Labels "org.opencontainers.image.revision"}}';
    expect((await stand.inspect("bakehouse", label)) === "two", "it is not the new image");
    const missed = within(load.asked, "verify", 0, Number.POSITIVE_INFINITY).filter(
      ({ status }) => status !== 200,
    );
    const first = missed[0]?.at ?? 0;
    const last = missed.at(-1)?.at ?? 0;
    const known = missed.every(({ status }) => status === 0 || status === 503);
    expect(known, `verify: ${statusesOf(missed)}`);
    expect((await client.verify({ token: platform }, token)).allowed, "a token is not allowed after it");
    const headers = { "x-forwarded-for": "203.0.113.9" };
    await client.call("GET", "/readyz", { headers });
    const { output } = await stand.compose("logs", "--no-color", "--tail", "50", "bakehouse");
    expect(output.includes('"peer":"203.0.113.9"'), "the proxy of this machine is not believed");
    return `interrupted for ${seconds(last - first)} (${statusesOf(missed)}); healthy ${seconds(healthy)} later`;
  });

  await step("secrets", async () => {
    const made = new Map([
      ["the administrator's token", admin],
      ["the platform's token", platform],
    ]);
    await checkSecrets(stand, `${IMAGE}:two`, made, faults);
    return "in nothing that the engine shows, no log, no environment";
  });

  await step("stop", async () => {
    const begun = performance.now();
    await stand.compose("stop", "bakehouse");
    const service = performance.now() - begun;
    await stand.compose("stop");
    for (const name of ["bakehouse", "postgres"]) {
      const code = await stand.inspect(name, "{{.State.ExitCode}}");
      expect(code === "0", `${name} ended with ${code}`);
    }
    await stand.compose("down");
    await stand.compose("up", "--detach");
    await stand.untilHealth("healthy");
    expect((await client.verify({ token: platform }, token)).allowed, "a token is gone with the containers");
    return `the service within ${seconds(service)}, both with 0; what was issued outlives the containers`;
  });
}

const compose = await findCompose();
if (compose === undefined || findProgram("openssl") === undefined) {
  tell("There is no Docker engine with Compose, or no openssl: nothing was tried.");
  process.exit(2);
}
const { command, version } = compose;
tell(`Docker ${await docker("version", "--format", "{{.Server.Version}}")}, ${command.join(" ")} ${version}`);
let stand: ComposeStand | undefined;
process.once("SIGINT", () => void stand?.remove().then(() => process.exit(130)));
const issuer = await startHostIssuer();
try {
  await step("build", async () => {
    for (const revision of ["one", "two"]) await build(revision);
    const user = await docker("image", "inspect", "--format", "{{.Config.User}}", `${IMAGE}:one`);
    expect(user === "1000", `the image's user is ${user}`);
    return "two images that differ in a label";
  });
  stand = openComposeStand(command, issuer, `${IMAGE}:one`);
  await drill(stand, issuer);
} catch (error) {
  faults.push(error instanceof Error ? error.message : "unknown");
  tell(`  MISSED ${faults.at(-1)}`);
} finally {
  if (faults.length > 0) tell((await stand?.compose("logs", "--tail", "20"))?.output ?? "");
  await stand?.remove();
  await docker("image", "rm", "--force", `${IMAGE}:one`, `${IMAGE}:two`).catch(() => {});
}
tell(faults.length === 0 ? "all held" : `${faults.length} missed`);
process.exit(faults.length === 0 ? 0 : 1);
