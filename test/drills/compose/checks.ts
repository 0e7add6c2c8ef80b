import { docker, say } from "./engine.ts";
import { type ComposeStand, PROJECT, SERVICE } from "./stand.ts";

/** Faults, in words; empty if all holds. */
export type Faults = string[];

const SERVICES = ["postgres", "migrate", "bakehouse"] as const;

/** That a container may do little: no root, no capability, no file outside its volumes, ports of this machine alone. */
export async function checkRights(stand: ComposeStand, image: string, faults: Faults): Promise<void> {
  const status = async (service: string, field: string) => {
    const { stdout } = await stand.inside(service, "sh", "-c", `grep ^${field}: /proc/1/status`);
    return stdout.split(/\s+/)[1] ?? "";
  };
  for (const service of ["postgres", "bakehouse"]) {
    if ((await status(service, "Uid")) === "0") faults.push(`${service} runs as root`);
    if (!/^0+$/.test(await status(service, "CapEff"))) faults.push(`${service} has capabilities`);
    if ((await status(service, "NoNewPrivs")) !== "1") faults.push(`${service} may gain privileges`);
    const written = await stand.inside(service, "sh", "-c", "echo x > /etc/written || echo x > /usr/written");
    if (written.ok || !written.output.includes("Read-only file system"))
      faults.push(`${service} may write to its system: ${written.output}`);
  }
  if (!/^0+$/.test(await status("bakehouse", "CapBnd"))) faults.push("bakehouse may have capabilities");
  const ports = await docker("port", await stand.container("bakehouse"));
  if (ports.split("\n").some((line) => !/ 127\.0\.0\.1:(8080|9464)$/.test(line)))
    faults.push(`other ports than those of this machine: ${ports}`);
  if ((await docker("port", await stand.container("postgres"))) !== "") faults.push("postgres has ports");
  const outside = await stand.inspect("bakehouse", addressIn(`${PROJECT}_outside`));
  if (!(await reaches(image, "postgres", 5432)))
    faults.push("the database's network does not reach Postgres");
  if (await reaches(image, outside, 8080)) faults.push("the database's network reaches the other one");
}

const addressIn = (network: string) => `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`;

/** Whether a container in the database's network reaches a port. */
async function reaches(image: string, host: string, port: number): Promise<boolean> {
  const script = `require("node:net").connect({ host: "${host}", port: ${port}, timeout: 3000 }, () => process.exit(0))
    .on("error", () => process.exit(1)).on("timeout", () => process.exit(1))`;
  const network = `--network=${PROJECT}_database`;
  return (await say("docker", ["run", "--rm", network, image, "node", "--eval", script])).ok;
}

/** That no secret is shown by the engine's descriptions of containers and images, by logs, or by the service's environment. */
export async function checkSecrets(
  stand: ComposeStand,
  image: string,
  further: ReadonlyMap<string, string>,
  faults: Faults,
): Promise<void> {
  const ids = await Promise.all(SERVICES.map((service) => stand.container(service)));
  const shown = new Map([
    ["docker inspect", await docker("inspect", ...ids)],
    ["docker image inspect", await docker("image", "inspect", image)],
    ["docker history", await docker("history", "--no-trunc", image)],
    ["docker compose config", (await stand.compose("config")).output],
    ["the logs", (await stand.compose("logs", "--no-color")).output],
    [
      "the service's environment",
      (await stand.inside("bakehouse", "sh", "-c", "cat /proc/[0-9]*/environ")).stdout,
    ],
    ["the service's processes", (await docker("top", ids[2] ?? "")) + (await docker("top", ids[0] ?? ""))],
  ]);
  for (const [place, text] of shown) {
    if (text.length < 20) faults.push(`${place} is empty`);
    for (const [name, secret] of [...stand.secrets(), ...further])
      if (text.includes(secret)) faults.push(`${place} shows ${name}`);
  }
}

/** That Prometheus is answered on its port, and nobody on the other. */
export async function checkMetrics(faults: Faults): Promise<void> {
  const own = await fetch("http://127.0.0.1:9464/metrics").then((answer) => answer.text());
  if (!/^bakehouse_\w+(\{.*\})? \d/m.test(own)) faults.push(`no metrics on 9464: ${own.slice(0, 100)}`);
  const main = await fetch(`${SERVICE}/metrics`);
  if (main.ok) faults.push("metrics are served on the main port");
  await main.arrayBuffer();
}

/** Ends a container's first process as a crash does. `docker kill` would count as a stop, after which nothing is started. */
export async function crash(stand: ComposeStand, service: string, image: string): Promise<void> {
  const pid = await stand.inspect(service, "{{.State.Pid}}");
  const kill = ["run", "--rm", "--pid=host", "--user=0", "--entrypoint=sh", image, "-c", `kill -9 ${pid}`];
  const { ok, output } = await say("docker", kill);
  if (!ok) throw new Error(`${service} was not killed: ${output}`);
}
