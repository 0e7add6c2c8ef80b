import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import { afterEach, describe, expect, test } from "vitest";
import { Secret } from "../../src/domain/keys/secret.ts";
import type { Step } from "../../src/domain/ports/steps.ts";
import type { CredentialFiles } from "../../src/domain/upkeep/credential-files.ts";
import { credentialFiles } from "../../src/run/data-dir.ts";
import {
  casesOn,
  type DatabaseKind,
  databasesAtLength,
  describeOnEachDatabase,
} from "../support/database.ts";
import { scratchFolder } from "../support/scratch.ts";
import {
  bearer,
  describeService,
  type Issued,
  startTestService,
  type TestReplica,
  type TestService,
  type TestServiceOptions,
} from "../support/service.ts";
import { narrow } from "../support/service-macaroons.ts";
import { createTestSteps } from "../support/service-steps.ts";

const FILES = ["admin.token", "default.token"] as const;

/** What stands for the end of the process: nothing catches it, and the replica is not used again. */
class Crash extends Error {}

const crash = () => {
  throw new Crash();
};

function newMasterKey(): Secret {
  return new Secret(new Uint8Array(randomBytes(32)));
}

function suite(kind: DatabaseKind) {
  const started: TestService[] = [];
  const folders: string[] = [];
  afterEach(async () => {
    for (const service of started.splice(0)) await service.close();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  async function begin(options: Omit<TestServiceOptions, "kind"> = {}): Promise<TestService> {
    const service = await startTestService({ ...options, kind });
    started.push(service);
    return service;
  }
  function newFolder(): string {
    const folder = scratchFolder("start");
    folders.push(folder);
    return folder;
  }
  return { begin, newFolder };
}

const tokenIn = (folder: string, file: string) => readFileSync(join(folder, file), "utf8").trim();

interface Recorded {
  readonly token_id: string;
  readonly principal: { readonly subject: string };
}

/** The credentials on record, by whose they are, as an administrator of the issuer's sees them. */
async function recorded(service: TestService, replica: TestReplica): Promise<readonly string[]> {
  const asRoot = service.asHuman({ subject: "root", groups: ["admins"] });
  const answer = await replica.get("/v1/tokens?platform=bakehouse&limit=1000", asRoot);
  return answer
    .json<{ items: Recorded[] }>()
    .items.map(({ principal }) => principal.subject)
    .sort();
}

/** Whether the credentials in the files are good for what they are meant for, on a replica without memories. */
async function expectGoodFiles(replica: TestReplica, folder: string): Promise<void> {
  expect((await replica.get("/v1/platforms", bearer(tokenIn(folder, "admin.token")))).status).toBe(200);
  expect((await replica.get("/v1/tokens", bearer(tokenIn(folder, "default.token")))).status).toBe(200);
  for (const file of FILES) {
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    expect(existsSync(join(folder, `${file}.staged`))).toBe(false);
  }
}

describeOnEachDatabase(
  "the first start",
  (_, kind) => {
    const { begin, newFolder } = suite(kind);

    test("makes `default` and two credentials, in files of mode 0600, once", async () => {
      const service = await begin({ start: false });
      const first = service.replica();
      expect(await first.isBootstrapped()).toBe(false);
      const made = await first.bootstrap.run(false);
      expect(made).toEqual({ outcome: "made", paths: FILES.map((file) => join(service.folder, file)) });
      expect(await first.bootstrap.run(false)).toEqual({ outcome: "there already" });
      const later = service.replica();
      expect(await later.bootstrap.run(false)).toEqual({ outcome: "there already" });
      await later.start();
      await expectGoodFiles(later, service.folder);
      expect(await recorded(service, later)).toEqual(["administrator", "platform:default"]);
      const platforms = await later.get("/v1/platforms", service.asAdmin());
      expect(platforms.json<{ items: { name: string; policy: object }[] }>().items).toEqual([
        expect.objectContaining({
          name: "default",
          policy: { rules: [{ caveats: [], max_ttl: 86_400, on_behalf_of: true }] },
        }),
      ]);
    });

    test("of many at once one wins, and only it leaves files", async () => {
      const service = await begin({ start: false });
      const many = Array.from({ length: 6 }, () => {
        const folder = newFolder();
        return { folder, replica: service.replica({ folder }) };
      });
      const outcomes = await Promise.all(many.map(({ replica }) => replica.bootstrap.run(false)));
      expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual([
        "made",
        ...Array(5).fill("there already"),
      ]);
      const winner = many[outcomes.findIndex(({ outcome }) => outcome === "made")];
      const later = service.replica();
      await later.start();
      for (const { folder } of many) {
        if (folder === winner?.folder) await expectGoodFiles(later, folder);
        else for (const file of FILES) expect(existsSync(join(folder, file))).toBe(false);
      }
      expect(await recorded(service, later)).toEqual(["administrator", "platform:default"]);
    });

    test("a key whose transaction was undone signs nothing, though it was made later by the clock", async () => {
      const service = await begin({ start: false });
      const steps = createTestSteps();
      steps.at("bootstrap:staged", crash);
      const replica = service.replica({ steps });
      await expect(replica.bootstrap.run(false)).rejects.toThrow(Crash);
      steps.at("bootstrap:staged", undefined);
      service.database.shift(-60_000);
      expect(await replica.bootstrap.run(false)).toMatchObject({ outcome: "made" });
      service.database.shift(60_000);
      await replica.start();
      const later = service.replica();
      await later.start();
      await expectGoodFiles(later, service.folder);
      const issued = await replica.send(
        "POST",
        "/v1/tokens",
        { platform: "default" },
        service.asHuman("alice"),
      );
      const { token } = issued.json<Issued>();
      const asked = await later.send("POST", "/v1/verify", { token, context: {} }, service.asPlatform());
      expect(asked.json()).toMatchObject({ allowed: true });
    });

    test("of many at once in one folder one wins, and its files are good", async () => {
      const service = await begin({ start: false });
      const many = Array.from({ length: 4 }, () => service.replica());
      const outcomes = await Promise.allSettled(many.map(({ bootstrap }) => bootstrap.run(false)));
      expect(outcomes.map(({ status }) => status)).toEqual(Array(4).fill("fulfilled"));
      const later = service.replica();
      await later.start();
      await expectGoodFiles(later, service.folder);
      expect(await recorded(service, later)).toEqual(["administrator", "platform:default"]);
    });

    const STEPS: readonly Step[] = [
      "bootstrap:begun",
      "bootstrap:staged",
      "bootstrap:committed",
      "bootstrap:published",
    ];

    /** Files of which one operation is the last thing that the process does. */
    function crashingFiles(folder: string, operation: keyof CredentialFiles, at: number): CredentialFiles {
      const files = credentialFiles(folder);
      let count = 0;
      const due = () => {
        count += 1;
        if (count === at) crash();
      };
      return {
        ...files,
        async stage(file, token) {
          if (operation === "stage") due();
          await files.stage(file, token);
        },
        async publish(file) {
          if (operation === "publish") due();
          return files.publish(file);
        },
      };
    }

    const ALL_CRASHES = [
      ...STEPS.map((step) => ({ what: `at ${step}`, step, operation: undefined, at: 0 })),
      ...(["stage", "publish"] as const).flatMap((operation) =>
        [1, 2].map((at) => ({ what: `before ${operation} number ${at}`, step: undefined, operation, at })),
      ),
    ];

    // The embedded database takes seconds to open, and none of this depends on the engine but the transaction.
    const EMBEDDED = ["at bootstrap:staged", "at bootstrap:committed"];
    const POSSIBLE = ALL_CRASHES.filter(({ what }) => kind === "postgres" || EMBEDDED.includes(what));
    const SHORT = [...EMBEDDED, "before publish number 2"];
    const CRASHES = casesOn(kind, POSSIBLE, ({ what }) => SHORT.includes(what));

    // What the same process remembers of what was undone is all that it has more than a new one.
    const UNDONE = ["at bootstrap:staged", "before stage number 2"];

    describe.each([
      { how: "in a new process", again: false, crashes: CRASHES },
      {
        how: "in the same process",
        again: true,
        crashes: CRASHES.filter(({ what }) => UNDONE.includes(what)),
      },
    ])("cut off, and repeated $how", ({ again, crashes }) => {
      test.each(crashes)("$what: everything is there once, and works", async ({ step, operation, at }) => {
        const service = await begin({ start: false });
        const steps = createTestSteps();
        if (step !== undefined) steps.at(step, crash);
        const files = operation === undefined ? undefined : crashingFiles(service.folder, operation, at);
        const doomed = service.replica({ steps, ...(files === undefined ? {} : { files }) });
        await expect(doomed.bootstrap.run(false)).rejects.toThrow(Crash);

        if (step !== undefined) steps.at(step, undefined);
        const next = again ? doomed : service.replica();
        expect((await next.bootstrap.run(false)).outcome).toMatch(/^(made|resumed)$/);
        const later = service.replica();
        await later.start();
        await expectGoodFiles(later, service.folder);
        expect(await recorded(service, later)).toEqual(["administrator", "platform:default"]);
        // And what is issued now verifies on a replica that never saw the start that was cut off.
        await next.start();
        const body = { platform: "default" };
        const { token } = (
          await next.send("POST", "/v1/tokens", body, service.asHuman("alice"))
        ).json<Issued>();
        const asked = await later.send("POST", "/v1/verify", { token, context: {} }, service.asPlatform());
        expect(asked.json()).toMatchObject({ allowed: true });
      });
    });

    describe("credentials renewed", () => {
      test("are new and good, and the old ones live until they are revoked", async () => {
        const service = await begin();
        const old = { admin: service.adminToken, platform: tokenIn(service.folder, "default.token") };
        const renewing = service.replica();
        expect(await renewing.bootstrap.run(true)).toMatchObject({ outcome: "reissued" });
        expect(service.adminToken).not.toBe(old.admin);
        await service.fresh();
        await expectGoodFiles(service, service.folder);
        expect((await service.get("/v1/platforms", bearer(old.admin))).status).toBe(200);
        await service.revoke([{ token: old.admin }]);
        expect((await service.get("/v1/platforms", bearer(old.admin))).status).toBe(401);
        await expectGoodFiles(service, service.folder);
        expect(await recorded(service, service)).toEqual([
          "administrator",
          "administrator",
          "platform:default",
          "platform:default",
        ]);
      });

      test("cut off anywhere leave files that are on record, and the next start mends them", async () => {
        const service = await begin();
        for (const { what, step, operation, at } of ALL_CRASHES) {
          const steps = createTestSteps();
          if (step !== undefined) steps.at(step, crash);
          const files = operation === undefined ? undefined : crashingFiles(service.folder, operation, at);
          const doomed = service.replica({ steps, ...(files === undefined ? {} : { files }) });
          await expect(doomed.bootstrap.run(true), what).rejects.toThrow(Crash);

          await service.replica().bootstrap.run(false);
          await expectGoodFiles(service, service.folder);
          const asRoot = service.asHuman({ subject: "root", groups: ["admins"] });
          const list = await service.get("/v1/tokens?platform=bakehouse&limit=1000", asRoot);
          const ids = list.json<{ items: Recorded[] }>().items.map(({ token_id }) => token_id);
          for (const file of FILES) {
            const text = Buffer.from(tokenIn(service.folder, file), "base64url").toString("latin1");
            expect(
              ids.some((id) => text.includes(id)),
              `${file}, cut off ${what}`,
            ).toBe(true);
          }
        }
      });
    });
  },
  databasesAtLength(),
);

describeService("a later start", (shared, kind) => {
  const { begin } = suite(kind);
  const ask = async (replica: TestReplica, service: TestService, token: string) =>
    (await replica.send("POST", "/v1/verify", { token, context: {} }, service.asPlatform())).json();

  test("knows what was issued and what was revoked", async () => {
    const service = shared();
    const { token } = await service.issue();
    const revoked = narrow(token, "agent = a");
    await service.revoke([{ token: revoked }]);
    const later = service.replica();
    await later.start();
    expect(await ask(later, service, token)).toMatchObject({ allowed: true });
    expect(await ask(later, service, revoked)).toMatchObject({ code: "revoked" });
  });

  test("under another master key is refused, and changes nothing", async () => {
    const service = shared();
    const { token } = await service.issue();
    const wrong = service.replica({ masterKey: newMasterKey() });
    await expect(wrong.start()).rejects.toThrow("sealed under a master key that is not configured");
    await expect(service.replica({ masterKey: newMasterKey() }).bootstrap.run(false)).rejects.toThrow(
      "sealed under a master key that is not configured",
    );
    const right = service.replica();
    await right.start();
    expect(await ask(right, service, token)).toMatchObject({ allowed: true });
  });

  test("under a new master key with the previous one beside it seals anew, and then needs it no more", async () => {
    const service = shared();
    const { token } = await service.issue();
    const masterKey = newMasterKey();
    await expect(service.replica({ masterKey }).start()).rejects.toThrow();

    const both = service.replica({ masterKey, previousMasterKey: service.masterKey });
    await both.start();
    expect(await ask(both, service, token)).toMatchObject({ allowed: true });
    await both.maintenance.run();
    expect(both.reports).toEqual([]);

    const alone = service.replica({ masterKey });
    await alone.start();
    expect(await ask(alone, service, token)).toMatchObject({ allowed: true });
    const { token: fresh } = (
      await alone.send("POST", "/v1/tokens", { platform: "default" }, service.asHuman("alice"))
    ).json<Issued>();
    expect(await ask(alone, service, fresh)).toMatchObject({ allowed: true });
    await expect(service.replica().start()).rejects.toThrow();

    // And back again.
    const back = service.replica({ previousMasterKey: masterKey });
    await back.start();
    await back.maintenance.run();
    await service.replica().start();
  });

  test("with a real issuer refuses what the development provider's principals were issued", async () => {
    const service = await begin({ isDevelopment: true });
    const own = await service.issue({}, "dev");
    const body = { platform: "default", on_behalf_of: { subject: "dev" } };
    const asserted = (await service.send("POST", "/v1/tokens", body, service.asPlatform())).json<Issued>();
    const partner = { platform: "default", on_behalf_of: { subject: "p", issuer: "https://partner.test" } };
    await service.send(
      "PUT",
      "/v1/platforms/default/policy",
      { rules: [{ max_ttl: 60, on_behalf_of: true, issuer: "https://partner.test" }] },
      service.asAdmin(),
    );
    const real = (await service.send("POST", "/v1/tokens", partner, service.asPlatform())).json<Issued>();
    for (const { token } of [own, asserted, real]) {
      expect(await ask(service, service, token)).toMatchObject({ allowed: true });
    }

    const later = service.replica({ isDevelopment: false });
    await later.start();
    for (const { token, token_id } of [own, asserted]) {
      expect(await ask(later, service, narrow(token, "agent = a"))).toMatchObject({
        code: "revoked",
        detail:
          "the token was issued to a principal of the development identity provider, which is not in use any more",
      });
      const record = await later.get(`/v1/tokens/${token_id}`, service.asPlatform());
      expect(record.json()).toMatchObject({ status: "revoked" });
    }
    // Who was never the development provider's goes on, and so do the service's own credentials.
    expect(await ask(later, service, real.token)).toMatchObject({ allowed: true });
    expect((await later.get("/v1/platforms", service.asAdmin())).status).toBe(200);
  });
});
