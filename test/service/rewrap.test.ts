/** Everything that rests sealed is sealed anew under the present master key, while replicas serve. */
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";

import { createSealing, type Sealing } from "../../src/domain/keys/sealing.ts";
import { Secret } from "../../src/domain/keys/secret.ts";
import {
  type RewrapProgress,
  rewrap,
  SEALED_TABLES,
  type SealedValues,
} from "../../src/domain/upkeep/rewrap.ts";
import { systemRandomness } from "../../src/run/system.ts";
import { raw } from "../storage/raw.ts";
import { describeService, type Issued } from "../support/service.ts";
import { tickets } from "../support/service-macaroons.ts";

const THIRD_PARTY = [{ location: "http://127.0.0.1:8080", condition: "approved-by bob Pay" }];

const newMasterKey = () => new Secret(new Uint8Array(randomBytes(32)));

const sealingOf = (masterKey: Secret, previous?: Secret): Sealing =>
  createSealing({ masterKey, previous, randomness: systemRandomness });

describeService("what rests sealed", (service) => {
  const values = () => service().database.store.sealedValues;

  test("is all in the tables that are looked at", async () => {
    const { url } = service().database;
    if (url === undefined) return; // the same tables
    const rows = await raw(
      url,
      "select table_name from information_schema.columns where table_schema = 'public' and column_name = 'sealed'",
    );
    expect(rows.map((row) => row["table_name"]).sort()).toEqual([...SEALED_TABLES].sort());
  });

  /** Has something of each kind sealed. @returns what is to be answered as before */
  async function sealSome() {
    const key = randomBytes(8).toString("hex");
    const headers = { ...service().asHuman("alice"), "idempotency-key": key };
    const issue = { platform: "default", third_party_caveats: THIRD_PARTY };
    const { token } = (await service().send("POST", "/v1/tokens", issue, headers)).json<Issued>();
    const [caveat_id] = tickets(token);
    // Made when somebody first asks for it.
    expect((await service().get("/v1/audit/key", service().asAdmin())).status).toBe(200);
    expect((await service().get("/.well-known/jwks.json")).status).toBe(200);
    const asking = { caveat_id, token, caveats: ["action = pay"] };
    const asked = await service().send("POST", "/v1/discharge", asking, service().asHuman("alice"));
    expect(asked.status, asked.text).toBe(202);
    return { headers, issue, token, asked: asked.json<{ id: string; secret: string }>() };
  }

  test("is sealed under the new key, and a replica with that key alone answers as before", async () => {
    const { headers, issue, token, asked } = await sealSome();
    const fresh = newMasterKey();
    const sealing = sealingOf(fresh, service().masterKey);
    const progress: RewrapProgress[] = [];
    const done = await rewrap({ values: values(), sealing, onProgress: (one) => void progress.push(one) });
    expect(done).toMatchObject({ unopened: new Map(), isOutrun: false });
    expect(done.resealed).toBeGreaterThanOrEqual(6);
    expect(progress.at(-1)?.resealed).toBe(done.resealed);
    expect(new Set(progress.map(({ table }) => table))).toEqual(new Set(SEALED_TABLES));

    const replica = service().replica({ masterKey: fresh });
    await replica.start();
    const again = await replica.send("POST", "/v1/tokens", issue, headers);
    expect(again.json<Issued>().token, again.text).toBe(token);
    const page = await replica.send(
      "POST",
      `/v1/approvals/${asked.id}`,
      { decision: "approve" },
      service().asHuman("bob"),
    );
    expect(page.status, page.text).not.toBe(503);
    replica.endWaits(); // it waits for nobody to approve
    const collected = await replica.send("POST", `/v1/discharge/${asked.id}/collect`, {
      secret: asked.secret,
    });
    expect(collected.status, collected.text).not.toBe(503);
    await replica.stop();

    // Once more: nothing is left to do. And back again, for the tests that follow.
    expect(await rewrap({ values: values(), sealing })).toMatchObject({ resealed: 0 });
    await rewrap({ values: values(), sealing: sealingOf(service().masterKey, fresh) });
  });

  test("what opens under neither key is counted, and stays as it is", async () => {
    await sealSome();
    const stranger = sealingOf(newMasterKey());
    const done = await rewrap({ values: values(), sealing: stranger });
    expect(done.resealed).toBe(0);
    expect([...done.unopened.keys()].sort()).toEqual([...SEALED_TABLES].sort());
    const own = sealingOf(service().masterKey);
    expect(await rewrap({ values: values(), sealing: own })).toMatchObject({
      resealed: 0,
      unopened: new Map(),
    });
  });

  test("what a replica writes meanwhile is not written over", async () => {
    const { headers, issue, token } = await sealSome();
    const fresh = newMasterKey();
    const both = sealingOf(fresh, service().masterKey);
    // Between the reading and the writing of each batch a replica with the new key is first.
    const late: SealedValues = {
      ...values(),
      async replace(table, changes) {
        const first = changes.map(({ key, before }) => ({
          key,
          before,
          after: new Uint8Array([...before, 0]),
        }));
        expect(await values().replace(table, first)).toBe(changes.length);
        const written = await values().replace(table, changes);
        const back = first.map(({ key, before, after }) => ({ key, before: after, after: before }));
        expect(await values().replace(table, back)).toBe(changes.length);
        return written;
      },
    };
    expect(await rewrap({ values: late, sealing: both })).toMatchObject({ resealed: 0, isOutrun: true });
    const again = await service().send("POST", "/v1/tokens", issue, headers);
    expect(again.json<Issued>().token).toBe(token);
  });

  test("a table of many pages is looked at to its end", async () => {
    const { url } = service().database;
    if (url === undefined) return; // the same statements; rows are made by the thousand on a server alone
    const garbage = Buffer.from(sealingOf(newMasterKey()).seal(new Uint8Array(8), "x")).toString("hex");
    await raw(
      url,
      `insert into idempotency (hash, body_hash, lease, sealed, expires_at)
       select sha256(n::text::bytea), sha256(''), 'l', decode('${garbage}', 'hex'), now() + interval '1 day'
       from generate_series(1, 1234) as n`,
    );
    const own = sealingOf(service().masterKey);
    const done = await rewrap({ values: values(), sealing: own });
    expect(done).toMatchObject({ resealed: 0, unopened: new Map([["idempotency", 1234]]) });
  });
});
