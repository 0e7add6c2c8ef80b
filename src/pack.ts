import { chmod, cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { rolldown } from "rolldown";

import manifest from "../package.json" with { type: "json" };

const root = join(import.meta.dirname, "..");

/** The packages that the service's bundle leaves outside, as {@link isOutside} knows them. */
const OUTSIDE = ["@electric-sql/pglite", "oidc-provider"] as const;

/** The script that is run, in both. */
const COMMAND = "bakehouse.js";

const { version, license, type } = manifest;
const common = { version, license, type };

const CLIENT = {
  name: "bakehouse",
  ...common,
  description: "Narrow, inspect and guard with Bakehouse's macaroons: the library and the command line.",
  engines: { node: ">=20" },
  exports: manifest.exports,
  types: manifest.types,
  sideEffects: false,
  peerDependencies: manifest.peerDependencies,
  peerDependenciesMeta: manifest.peerDependenciesMeta,
  bin: { bakehouse: `dist/${COMMAND}` },
  files: ["dist"],
};

const SERVER = {
  name: "bakehouse-server",
  ...common,
  description: manifest.description,
  engines: manifest.engines,
  dependencies: Object.fromEntries(OUTSIDE.map((name) => [name, manifest.dependencies[name]])),
  bin: { "bakehouse-server": `dist/${COMMAND}` },
  files: ["dist", "migrations", "deploy", "openapi.yaml"],
};

/**
 * The files of `src/deploy` that are shipped. Named one by one, since secrets may lie beside them in an operator's checkout:
 * an image that is built there would show them to all that have the image.
 */
const DEPLOYED = [
  "README.md",
  "RUNBOOK.md",
  "compose.yaml",
  "grafana/bakehouse.json",
  "kubernetes/base/deployment.yaml",
  "kubernetes/base/disruption-budget.yaml",
  "kubernetes/base/kustomization.yaml",
  "kubernetes/base/migrate.yaml",
  "kubernetes/base/network-policy.yaml",
  "kubernetes/base/service-account.yaml",
  "kubernetes/base/service.yaml",
  "kubernetes/components/monitoring/kustomization.yaml",
  "kubernetes/components/monitoring/metrics-service.yaml",
  "kubernetes/components/monitoring/prometheus-rule.yaml",
  "kubernetes/components/monitoring/service-monitor.yaml",
  "kubernetes/overlays/production/kustomization.yaml",
  "kubernetes/overlays/production/namespace.yaml",
  "kubernetes/overlays/production/settings.env",
  "prometheus/bakehouse.alerts.yaml",
  "prometheus/bakehouse.rules.yaml",
  "systemd/bakehouse",
  "systemd/bakehouse.service",
  "systemd/settings.env",
] as const;

/** The library's files, one for each of its exports. */
const LIBRARY_FILES = ["index.js", "macaroon.js", "mcp.js"];

const CLIENT_README = `# bakehouse

The library and the command line of Bakehouse, central token issuance for AI agents. Node 20 or later; no dependency.

    import { Token, createBakehouse } from "bakehouse";    # browsers and workers too; the core alone: bakehouse/macaroon
    import { createMcpGuard } from "bakehouse/mcp";        # with @modelcontextprotocol/server, which you have installed
    npx bakehouse --help

The service is a package of its own, \`bakehouse-server\` (serve, bootstrap, migrate, restore-fence, rewrap, doctor).
`;

const SERVER_README = `# bakehouse-server

The service of Bakehouse, central token issuance for AI agents, on Node 26 or later.

    npx bakehouse-server serve

It has the client's commands too. The library is a package of its own, \`bakehouse\`. What runs and watches it on
machines (systemd, Kubernetes, Compose, Prometheus, Grafana) is in the folder \`deploy\`.
`;

/** Whether the service's bundle leaves a module outside: PGlite finds its WebAssembly, and oidc-provider its files, beside itself. */
export function isOutside(specifier: string): boolean {
  return OUTSIDE.some((name) => specifier === name || specifier.startsWith(`${name}/`));
}

const NAMES = { keepNames: { function: false, class: true } };

/**
 * How what people install is made small: its lines stay, since Node prints the whole line that threw before an uncaught
 * error's message, and so do the names of classes, which stand there too.
 */
export const SMALL = {
  minify: { compress: NAMES, mangle: NAMES, codegen: { removeWhitespace: false } },
  comments: false,
} as const;

/**
 * Makes two folders for `npm pack` below `packages` of a build's folder: `bakehouse`, which people install to use a service,
 * and `bakehouse-server`, which is one. Without source maps, which are most of a build's size.
 *
 * @param built a folder with the service's bundle, the library and its types
 */
export async function makePackages(built: string): Promise<void> {
  const withoutMaps = { recursive: true, filter: (path: string) => !path.endsWith(".map") };
  const client = join(built, "packages", CLIENT.name);
  const server = join(built, "packages", SERVER.name);
  await begin(client, CLIENT, CLIENT_README);
  await begin(server, SERVER, SERVER_README);

  for (const name of LIBRARY_FILES) {
    const code = await readFile(join(built, name), "utf8");
    await writeFile(join(client, "dist", name), code.replace(/\n\/\/# sourceMappingURL=.*\n?$/, "\n"));
  }
  await cp(join(built, "types"), join(client, "dist", "types"), withoutMaps);
  const commands = await rolldown({
    input: { bakehouse: join(root, "src", "client-main.ts") },
    platform: "node",
    tsconfig: join(root, "src", "cli", "tsconfig.json"),
  });
  await commands.write({
    dir: join(client, "dist"),
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
    ...SMALL,
  });
  await commands.close();

  for (const name of await readdir(built)) {
    if (["packages", "types", ...LIBRARY_FILES].includes(name)) continue;
    await cp(join(built, name), join(server, "dist", name), withoutMaps);
  }
  await cp(join(root, "migrations"), join(server, "migrations"), {
    recursive: true,
    filter: (path) => !/\.(md|ts)$/.test(path),
  });
  for (const path of DEPLOYED) await cp(join(root, "src", "deploy", path), join(server, "deploy", path));
  await cp(join(root, "openapi.yaml"), join(server, "openapi.yaml"));
  for (const folder of [client, server]) await setModes(folder);
}

/** An archive has its files' modes, which follow the umask of its maker: without this, two makers' archives are not the same bytes. */
async function setModes(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile())
      await chmod(join(entry.parentPath, entry.name), entry.name === COMMAND ? 0o755 : 0o644);
  }
}

async function begin(folder: string, packed: { readonly name: string }, readme: string): Promise<void> {
  await mkdir(join(folder, "dist"), { recursive: true });
  await writeFile(join(folder, "package.json"), `${JSON.stringify(packed, undefined, 2)}\n`);
  await writeFile(join(folder, "README.md"), readme);
  await cp(join(root, "LICENSE"), join(folder, "LICENSE"));
}
