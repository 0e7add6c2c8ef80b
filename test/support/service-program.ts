import { decodeBundle, encode, type UnverifiedMacaroon } from "../../src/macaroon/index.ts";
import type { TestReplica } from "./service.ts";
import { bound } from "./service-macaroons.ts";

const BAKERY = { "bakery-protocol-version": "3" };

interface Asked {
  readonly Info: {
    readonly InteractionMethods: {
      readonly "browser-window": { readonly VisitURL: string; readonly WaitTokenURL: string };
    };
  };
}

const local = (url: string) => url.slice(new URL(url).origin.length);

/** The headers of a program's calls: its login's macaroon, and the discharge bound to it. */
function presented(root: UnverifiedMacaroon, discharge: string) {
  const proof = decodeBundle(bound(encode(root), discharge));
  if (!proof.ok) throw new Error(proof.detail);
  const text = `[${encode(root, "v2-json")},${encode(proof.macaroons[0], "v2-json")}]`;
  return { macaroons: Buffer.from(text).toString("base64"), ...BAKERY };
}

/** A stock client of macaroon-bakery is asked to log in, and asks for the discharge of its login's ticket. */
export async function beginProgram(service: Pick<TestReplica, "get" | "request">) {
  const challenge = await service.get("/v1/sessions", BAKERY);
  const { m } = challenge.json<{ Info: { Macaroon: { m: object } } }>().Info.Macaroon;
  const decoded = decodeBundle(JSON.stringify(m));
  if (!decoded.ok) throw new Error(decoded.detail);
  const [root] = decoded.macaroons;
  const id64 = Buffer.from(root.unverifiedCaveats[1]?.id ?? []).toString("base64url");
  const post = (more: Readonly<Record<string, string>> = {}) =>
    service.request("/discharge", {
      method: "POST",
      headers: BAKERY,
      body: new URLSearchParams({ id64, ...more }),
    });
  const ask = async () => (await post()).json<Asked>().Info.InteractionMethods["browser-window"];
  const { VisitURL, WaitTokenURL } = await ask();
  return {
    id64,
    page: local(VisitURL),
    /** Asks once more for the same ticket. @returns that request's page */
    again: async () => local((await ask()).VisitURL),
    /** The headers of the program's calls, once a person has confirmed. */
    async finish(): Promise<{ macaroons: string }> {
      const waited = await service.get(local(WaitTokenURL));
      const { kind, token64 } = waited.json<{ kind: string; token64: string }>();
      const got = await post({ "token-kind": kind, token64 });
      const proof = decodeBundle(JSON.stringify(got.json<{ Macaroon: { m: object } }>().Macaroon.m));
      if (!proof.ok) throw new Error(proof.detail);
      return presented(root, encode(proof.macaroons[0]));
    },
  };
}

/** Answers a request's page in a browser. */
export function answerPage(
  service: TestReplica,
  page: string,
  session: Readonly<Record<string, string>>,
  decision = "confirm",
) {
  return service.request(page, {
    method: "POST",
    headers: session,
    body: new URLSearchParams({ decision }),
  });
}

/** A program that a person has let in. @returns the headers of its calls */
export async function programOf(service: TestReplica, session: Readonly<Record<string, string>>) {
  const client = await beginProgram(service);
  const said = await answerPage(service, client.page, session);
  if (said.status !== 303) throw new Error(said.text);
  return client.finish();
}
