import { createServer, type Server } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { atLength } from "../support/form.ts";
import { readManual } from "../support/manual.ts";
import { startTestService, type TestService } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";
import { hasPython, runPython, WHERE } from "./python.ts";

const { code: shown } = readManual("src/client/python/README.md");
const people = stubRelyingParty();
const credentialOf = (headers: Readonly<Record<string, string>>) => headers["authorization"]?.slice(7) ?? "";

let service: TestService;
let direct: { readonly url: string; close(): Promise<void> };
let front: Server;
let publicUrl: string;

/** Passes a request on into this process, so that its answer is held against openapi.yaml on its way. */
async function passOn(method: string, path: string, headers: Record<string, string>, body: string) {
  const init = { method, headers, ...(body !== "" && { body }) };
  return await service.request(path, init);
}

beforeAll(async () => {
  front = createServer(async (incoming, outgoing) => {
    const headers = incoming.headers as Record<string, string>;
    const answer = await passOn(incoming.method ?? "", incoming.url ?? "", headers, await text(incoming));
    outgoing.writeHead(answer.status, Object.fromEntries(answer.headers)).end(answer.text);
  });
  // First, since the service writes its address into tokens.
  await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
  const address = front.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  publicUrl = `http://127.0.0.1:${address.port}`;
  service = await startTestService({ kind: "pglite", publicUrl, relyingParty: people.relyingParty });
  direct = await service.listen();
});

afterAll(async () => {
  await direct.close();
  front.close();
  front.closeAllConnections();
  await service.close();
  expect(service.faults).toEqual([]);
});

atLength(() => {
  test(`its own tests pass${WHERE}`, async () => {
    if (!hasPython()) return;
    const { code, stderr } = await runPython(["-m", "unittest"]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(Number(/^Ran (\d+) tests/m.exec(stderr)?.[1])).toBeGreaterThan(30);
  });
});

atLength(() => {
  test(`[pglite] its manual prints what it says, against a service${WHERE}`, async () => {
    if (!hasPython()) return;
    const parts = ["narrow", "verify", "budget", "revoke", "discharge"];
    const issued = await service.issue({ caveats: ["action in read, list"] });
    const alice = await people.login(service.request, "alice", publicUrl);
    const approvals: Promise<unknown>[] = [];
    const { code, stdout, stderr } = await runPython(["-c", parts.map(shown).join("\n")], {
      env: {
        BAKEHOUSE_TOKEN: issued.token,
        BAKEHOUSE_URL: publicUrl,
        BAKEHOUSE_CREDENTIAL: credentialOf(service.asPlatform()),
      },
      onLine(line) {
        const id = /\/approvals\/(\S+)/.exec(line)?.[1];
        if (id === undefined) return;
        approvals.push(service.send("POST", `/v1/approvals/${id}`, { decision: "approve" }, alice));
      },
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(await Promise.all(approvals)).toMatchObject([{ status: 200 }]);
    const printed = stdout
      .replace(/ http\S+\/approvals\/\S+/, " PAGE")
      .replace(/ [B-Z]{4}-[B-Z]{4}\n/, " CODE\n");
    expect(printed.trimEnd().split("\n")).toEqual(
      parts.flatMap((part) => shown(`${part}-prints`).split("\n")),
    );
  });
});

test(`[pglite] a token lives and dies by it, and every answer is the API's${WHERE}`, async () => {
  if (!hasPython()) return;
  const long = await service.createPlatform("long", {
    rules: [{ max_ttl: 600, session: 86_400, on_behalf_of: true, caveats: [] }],
  });
  const hosts = { resource_hosts: ["mcp.example.com"] };
  await service.send("PATCH", "/v1/platforms/default", hosts, service.asAdmin());
  for (const resource of ["https://mcp.example.com/files", "https://mcp.example.com/mail"]) {
    const path = "/v1/platforms/default/resources";
    const made = await service.send("POST", path, { resource, name: "R" }, service.asAdmin());
    expect(made.status, made.text).toBe(201);
  }
  const { code, stderr } = await runPython(["story.py"], {
    env: {
      URL: publicUrl,
      ALICE: credentialOf(service.asHuman("alice")),
      PLATFORM: credentialOf(service.asPlatform()),
      LONG: long,
    },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});
