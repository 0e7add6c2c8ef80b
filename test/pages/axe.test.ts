import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, expect, test } from "vitest";

import { parseConfig } from "../../src/config.ts";
import { pages } from "../../src/http/pages/all.tsx";
import { type Serving, serve } from "../../src/run/serve.ts";
import { findChromium, openTab, type Tab } from "../support/chromium.ts";
import { ALICE, CONSENT_VIEW, DEVICE_VIEW } from "../support/fake-service.ts";
import { atLength, isShort } from "../support/form.ts";
import { freePort } from "../support/process-service.ts";
import { scratchFolder } from "../support/scratch.ts";
import { beginProgram } from "../support/service-program.ts";

/*
 * axe-core looks at every page, light and wide, dark and narrow. With BAKEHOUSE_PICTURES=FOLDER it leaves a picture of
 * each there, for people to look at.
 */

interface Finding {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

const chromium = findChromium();
const AXE = readFileSync(fileURLToPath(import.meta.resolve("axe-core")), "utf8");
const PICTURES = process.env["BAKEHOUSE_PICTURES"];
const SCREENS = [
  { width: 1200, dark: false },
  { width: 360, dark: true },
];

let serving: Serving;
let dataDir: string;
let base: string;
let platform: Record<string, string>;
let tab: Tab | undefined;

beforeAll(async () => {
  if (chromium === undefined) return;
  tab = await openTab(chromium);
  if (PICTURES !== undefined) mkdirSync(PICTURES, { recursive: true });
  if (isShort()) return;
  dataDir = scratchFolder("axe");
  const port = await freePort();
  base = `http://127.0.0.1:${port}`;
  serving = await serve(parseConfig({ DATA_DIR: dataDir, PORT: String(port), LOG_LEVEL: "silent" }));
  platform = { authorization: `Bearer ${readFileSync(join(dataDir, "default.token"), "utf8").trim()}` };
});

afterAll(async () => {
  await tab?.close();
  await serving?.stop();
  if (dataDir !== undefined) rmSync(dataDir, { recursive: true, force: true });
});

async function post<T>(path: string, body: object, headers: Record<string, string> = {}): Promise<T> {
  const response = await fetch(base + path, {
    method: "POST",
    // On a connection of its own: a kept one may just be closed where this process has stood still for long.
    headers: { "content-type": "application/json", connection: "close", ...headers },
    body: JSON.stringify(body),
  });
  return (await response.json()) as T;
}

async function issue(body: object) {
  const request = { platform: "default", on_behalf_of: { subject: "alice" }, ...body };
  return post<{ token: string; token_id: string }>("/v1/tokens", request, platform);
}

/** A token that needs a discharge. */
async function needy(condition: string) {
  const third_party_caveats = [{ location: base, condition }];
  const caveats = ["action = pay", "args.amount <= 40"];
  const { token } = await issue({ caveats, third_party_caveats, label: "Payments of October" });
  const verdict = await post<{ undischarged: readonly { caveat_id: string }[] }>(
    "/v1/verify",
    { token, context: { action: "pay", args: { amount: 40 } } },
    platform,
  );
  return { token, caveat_id: verdict.undischarged[0]?.caveat_id ?? "" };
}

/** Asks for the discharge of a token. @returns the page for the person that it asks */
async function ask(condition: string): Promise<string> {
  return (await post<{ user_url: string }>("/v1/discharge", await needy(condition))).user_url;
}

/** The same for a client of macaroon-bakery, which shows no token. */
async function askBlindly(condition: string): Promise<string> {
  const { caveat_id: id64 } = await needy(condition);
  const body = new URLSearchParams({ id64 });
  const { Info } = (await request("/discharge", { method: "POST", body })).json<{
    Info: { InteractionMethods: { "browser-window": { VisitURL: string } } };
  }>();
  return Info.InteractionMethods["browser-window"].VisitURL;
}

/** A request to the service, as the helpers of the in-process tests make it. */
async function request(path: string, init: RequestInit = {}) {
  const headers = { "bakery-protocol-version": "3", ...init.headers };
  const response = await fetch(base + path, { ...init, headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: <T>() => JSON.parse(text) as T };
}

let looks = 0;
/** Both screens; in the short form one of them for each page, in turn. */
function screensOfPage() {
  looks += 1;
  return SCREENS.filter((_, index) => !isShort() || index === looks % 2);
}

/** Axe's findings on the page that the browser shows. */
async function look(name: string, screens = screensOfPage()): Promise<readonly Finding[]> {
  if (tab === undefined) return [];
  await tab.evaluate(`${AXE}; undefined`);
  const findings: Finding[] = [];
  for (const screen of screens) {
    await tab.look(screen);
    const found = await tab.evaluate<{ readonly violations: readonly Finding[] }>(
      `axe.run(document, { resultTypes: ["violations"] })
        .then(({ violations }) => ({ violations: violations.map(({ id, impact, nodes }) =>
          ({ id, impact, nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })) })) }))`,
    );
    findings.push(...found.violations);
    const file = `${name}-${screen.width}${screen.dark ? "-dark" : ""}.png`;
    if (PICTURES !== undefined) writeFileSync(join(PICTURES, file), await tab.picture());
    // Nothing is wider than the screen: on a telephone a page scrolls one way only.
    const wide = await tab.evaluate<number>("document.documentElement.scrollWidth");
    expect(wide, `${name}, ${screen.width} wide`).toBeLessThanOrEqual(screen.width);
  }
  return findings;
}

async function goTo(path: string): Promise<void> {
  await tab?.goto(new URL(path, base).href);
  await tab?.until(`location.href === ${JSON.stringify(new URL(path, base).href)}`);
}

/** Shows that the page has nothing that axe would complain of. */
async function nothing(name: string): Promise<void> {
  expect(await look(name), name).toEqual([]);
}

/** Fills in the development identity provider's login, which the browser shows. */
async function logIn(groups = ""): Promise<void> {
  await tab?.until(`document.querySelector("input[name=name]") !== null`);
  await tab?.evaluate(
    `document.querySelector("input[name=name]").value = "Alice";
     document.querySelector("input[name=email]").value = "alice@example.com";
     document.querySelector("input[name=groups]").value = ${JSON.stringify(groups)};
     document.forms[0].requestSubmit()`,
  );
}

async function press(button: string, then: string): Promise<void> {
  await tab?.evaluate(`document.querySelector(${JSON.stringify(button)}).click()`);
  await tab?.until(then);
}

test(`axe finds nothing on pages that need no service (${chromium ?? "no chromium is installed here: not looked at"})`, async () => {
  if (tab === undefined) {
    process.stderr.write("no chromium on this machine: axe did not look at the pages\n");
    return;
  }

  // It leads on at once, so it is looked at without that.
  await tab.show(pages.signedOut("https://login.example.com/out").replace(/<meta http-equiv[^>]*>/, ""));
  await tab.until(`document.body.innerText.includes("You are signed out")`);
  await nothing("signed-out");

  await tab.show(pages.consent(CONSENT_VIEW, "client_id=c", ALICE, true));
  await tab.until(`document.querySelector("button[value=allow]") !== null`);
  await nothing("consent");
  const loopback = { ...CONSENT_VIEW, clientHost: null, isUnprovable: true, scopes: [], limits: undefined };
  await tab.show(pages.consent(loopback, "client_id=c", ALICE, false));
  await tab.until(`document.body.innerText.includes("nobody can tell")`);
  await nothing("consent-unprovable");
  for (const isUnknown of [false, true]) {
    await tab.show(pages.device(ALICE, isUnknown));
    await tab.until(`document.querySelector("[name=user_code]") !== null`);
    await nothing(`device-code${isUnknown ? "-unknown" : ""}`);
  }
  await tab.show(pages.deviceConsent(DEVICE_VIEW, ALICE, true));
  await tab.until(`document.querySelector("button[value=allow]") !== null`);
  await nothing("device-consent");
  await tab.show(pages.deviceAnswered(ALICE, true));
  await tab.until(`document.body.innerText.includes("Go back to the device")`);
  await nothing("device-answered");
  await tab.show(
    pages.onward("https://app.example/cb?code=c", "App", ALICE).replace(/<meta http-equiv[^>]*>/, ""),
  );
  await tab.until(`document.body.innerText.includes("You are being led back")`);
  await nothing("onward");
}, 300_000);

atLength(() => {
  test(`axe finds nothing on any page of a service`, async () => {
    if (tab === undefined) return;

    await goTo("/");
    await nothing("home-signed-out");
    await goTo("/nowhere/at/all");
    expect(await tab.evaluate("document.body.innerText")).toContain("Bakehouse");
    await nothing("not-found");
    await goTo("/callback");
    await nothing("login-failed");

    await tab.goto(`${base}/login`);
    await tab.until(`document.querySelector("input[name=name]") !== null`);
    await nothing("development-login");
    await logIn();
    await tab.until(`location.pathname === "/"`);
    await nothing("home-without-tokens");

    const approval = await ask("once approved-by alice Pay 40 EUR to the printers");
    await ask(`approved-by alice ${"Unspeakably-long-words-without-a-space".repeat(8)}`);
    const confirmation = await ask("is-principal");
    const { token_id } = await issue({ caveats: ["action in read, list"], label: "Research" });
    await issue({ caveats: [`resource = ${"repo:acme/unbroken".repeat(12)}`] });
    await goTo("/");
    await nothing("home");
    await goTo("/approvals");
    await nothing("approvals");
    await goTo(confirmation);
    await nothing("confirmation");
    await goTo(approval);
    await nothing("approval");
    await press("button[value=approve]", `document.body.innerText.includes("Approved on")`);
    await nothing("approval-granted");
    await press("button[value=withdraw]", `document.body.innerText.includes("Withdrawn on")`);
    await nothing("approval-withdrawn");
    await goTo("/approvals/019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7082");
    await nothing("somebody-else");

    await goTo("/tokens");
    await nothing("tokens");
    await goTo(`/tokens/${token_id}`);
    await nothing("token");
    await press("button[value=cut-off]", `document.body.innerText.includes("This token is cut off")`);
    await nothing("token-cut-off");

    // Swagger UI is somebody else's: it has findings, and none that shut anybody out.
    await goTo("/docs");
    await tab.until(`document.querySelector(".opblock") !== null`);
    expect((await look("docs", SCREENS.slice(0, 1))).filter(({ impact }) => impact === "critical")).toEqual(
      [],
    );

    await goTo(confirmation);
    await tab.forgetCookies();
    await press("button[value=deny]", `document.body.innerText.includes("Your session has ended")`);
    await nothing("session-over");
  }, 300_000);

  test("nor on those of programs and devices, nor where a person cannot answer", async () => {
    if (tab === undefined) return;
    await tab.forgetCookies();
    await goTo("/");
    await tab.goto(`${base}/login`);
    await logIn("printers");
    await tab.until(`location.pathname === "/"`);

    const program = await beginProgram({
      request,
      get: (path, headers) => request(path, { headers: { ...headers } }),
    });
    await goTo(program.page);
    await nothing("program");
    await press("button[value=confirm]", `document.body.innerText.includes("Confirmed.")`);
    await nothing("program-confirmed");
    await goTo(await program.again());
    await press("button[value=deny]", `document.body.innerText.includes("Refused.")`);
    await nothing("program-refused");
    await program.finish();
    await goTo("/");
    expect(await tab.evaluate("document.body.innerText")).toContain("Programs that act as you here");
    await nothing("home-with-programs");

    await goTo(await ask("is-member-of bakers"));
    await nothing("confirmation-impossible");
    await goTo(await ask("approved-by group:printers Pay 40 EUR"));
    await nothing("approval-impossible");
    await goTo(await askBlindly("approved-by alice Pay 40 EUR"));
    await nothing("approval-of-a-stranger");
    await press("button[value=deny]", `document.body.innerText.includes("Denied on")`);
    await nothing("approval-denied");

    const issuer = `${base}/dev-idp`;
    const body = new URLSearchParams({ client_id: "bakehouse-cli", scope: "openid" });
    const begun = await fetch(`${issuer}/device/auth`, { method: "POST", body });
    const device = (await begun.json()) as { user_code: string; verification_uri_complete: string };
    await goTo("/dev-idp/device");
    await nothing("device");
    await tab.evaluate(`document.querySelector("[name=user_code]").value = "AAAA-AAAA"`);
    await press("button", `document.querySelector(".problem") !== null`);
    await nothing("device-wrong-code");
    await goTo(device.verification_uri_complete);
    expect(await tab.evaluate(`document.querySelector("[name=user_code]").value`)).toBe(device.user_code);
    await press("button", `document.body.innerText.includes("Is this your device?")`);
    await nothing("device-confirmation");
    await press("button", `document.querySelector("input[name=name]") !== null`);
    await tab.evaluate(`document.querySelector("input[name=groups]").value = "a,,b,".repeat(900);
    document.querySelector("input[name=name]").value = "\\u202e";
    document.forms[0].requestSubmit()`);
    await tab.until(`document.querySelector(".problem") !== null`);
    await nothing("development-login-again");
    await logIn();
    await tab.until(`document.body.innerText.includes("Logged in")`);
    await nothing("device-logged-in");
    await goTo("/dev-idp/interaction/over");
    await nothing("development-login-over");
    await goTo("/dev-idp/auth?client_id=nobody");
    await nothing("development-login-impossible");
  }, 300_000);
});
