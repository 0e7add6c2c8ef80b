import { afterAll, beforeAll, expect, test } from "vitest";

import { createBrowser } from "../support/browser.ts";
import { findChromium, openTab } from "../support/chromium.ts";
import { atLength } from "../support/form.ts";
import { type OwnService, startOwnService } from "../support/own-service.ts";

const EVIL = "<img src=x onerror=document.title='owned'><form action=/logout>";

let service: OwnService;
let base: string;
let platform: Record<string, string>;

beforeAll(async () => {
  service = await startOwnService();
  base = service.url;
  platform = { authorization: `Bearer ${service.credential("default.token")}` };
});

afterAll(() => service?.stop());

async function post<T>(path: string, body: object, headers: Record<string, string> = {}): Promise<T> {
  const response = await fetch(base + path, {
    method: "POST",
    // On a connection of its own: a kept one may just be closed where this process has stood still for long.
    headers: { "content-type": "application/json", connection: "close", ...headers },
    body: JSON.stringify(body),
  });
  return (await response.json()) as T;
}

/** A token of alice's that waits for her approval, asked for. */
async function asked(text: string) {
  const { token } = await post<{ token: string }>(
    "/v1/tokens",
    {
      platform: "default",
      on_behalf_of: { subject: "alice" },
      caveats: ["action = pay"],
      third_party_caveats: [{ location: base, condition: `approved-by alice ${text}` }],
    },
    platform,
  );
  const verify = (discharges: readonly string[]) =>
    post<{
      allowed: boolean;
      undischarged: readonly { caveat_id: string }[];
    }>("/v1/verify", { token, discharges, context: { action: "pay" } }, platform);
  const caveat_id = (await verify([])).undischarged[0]?.caveat_id;
  const request = await post<{ id: string; secret: string; user_url: string; user_code: string }>(
    "/v1/discharge",
    { caveat_id, token },
  );
  let proof = "";
  return {
    ...request,
    verifyAgain: async () => (await verify([proof])).allowed,
    async finish() {
      const { discharge } = await post<{ discharge: string }>(`/v1/discharge/${request.id}/collect`, {
        secret: request.secret,
      });
      proof = discharge;
      return (await verify([discharge])).allowed;
    },
  };
}

test("with the development identity provider and a cookie jar, from the link to the answer", async () => {
  const request = await asked("Pay 40 EUR");
  const browser = createBrowser();
  const login = await browser.get(request.user_url);
  expect(login.url.pathname).toContain("/dev-idp");
  const page = await browser.submit(login.form(), { name: "Alice" });
  expect(page.url.href).toBe(request.user_url);
  expect(page.text).toContain(request.user_code);
  expect(page.text).toContain("Pay 40 EUR");
  const after = await browser.submit(page.form(), { decision: "approve", reason: "as agreed" });
  expect(after.text).toMatch(/Approved on .* UTC, good until .* UTC\./);
  expect(after.text).toContain("as agreed");
  expect(await request.finish()).toBe(true);
  const back = await browser.submit(after.form(), { decision: "withdraw" });
  expect(back.text).toMatch(/Withdrawn on .* UTC\./);
  expect(back.forms).toEqual([]);
  expect(await request.verifyAgain()).toBe(false);
});

test("an old login is renewed by the issuer where the ticket demands it", async () => {
  const { token } = await post<{ token: string }>(
    "/v1/tokens",
    {
      platform: "default",
      on_behalf_of: { subject: "alice" },
      third_party_caveats: [{ location: base, condition: "auth-age=0 is-authenticated-user" }],
    },
    platform,
  );
  const verdict = await post<{ undischarged: readonly { caveat_id: string }[] }>(
    "/v1/verify",
    { token, context: {} },
    platform,
  );
  const { user_url } = await post<{ user_url: string }>("/v1/discharge", {
    caveat_id: verdict.undischarged[0]?.caveat_id,
  });
  const browser = createBrowser();
  const login = await browser.get(user_url);
  const page = await browser.submit(login.form(), { name: "Alice" });
  const again = /<a href="(\/login[^"]*)">Sign in again/.exec(page.text)?.[1]?.replaceAll("&amp;", "&");
  expect(again).toContain("max_age=0");
  // The issuer remembers her, and asks all the same.
  const asking = await browser.get(new URL(again ?? "", base));
  expect(asking.url.pathname).toContain("/dev-idp");
  expect(asking.forms.length).toBeGreaterThan(0);
});

const chromium = findChromium();

atLength(() => {
  test(`in a real browser (${chromium ?? "none is installed here: not driven"})`, async () => {
    if (chromium === undefined) {
      process.stderr.write("no chromium on this machine: the pages were not driven in a real browser\n");
      return;
    }
    const request = await asked(EVIL);
    const tab = await openTab(chromium);
    try {
      await tab.goto(request.user_url);
      await tab.until(
        `location.pathname.startsWith("/dev-idp") && document.querySelector("input[name=name]") !== null`,
      );
      await tab.evaluate(
        `document.querySelector("input[name=name]").value = "Alice"; document.forms[0].requestSubmit()`,
      );
      await tab.until(`location.href === ${JSON.stringify(request.user_url)}`);
      expect(await tab.evaluate<string>("document.body.innerText")).toContain(request.user_code);
      // The ticket's text is text: it makes no element, and nothing of it runs.
      expect(await tab.evaluate<string>("document.querySelector('.claims p').innerText")).toBe(EVIL);
      expect(await tab.evaluate<number>("document.images.length + document.scripts.length")).toBe(0);
      expect(await tab.evaluate<number>("document.querySelectorAll('main form').length")).toBe(1);
      expect(await tab.evaluate<string>("document.title")).toBe("Approval · Bakehouse");
      // The style is applied under the policy, so that facts and claims look different.
      const border = (part: string) =>
        tab.evaluate<string>(`getComputedStyle(document.querySelector("${part}")).borderLeftStyle`);
      expect([await border(".claims"), await border(".facts")]).toEqual(["dashed", "solid"]);
      // What the yes allows is larger than all else, and nothing of the ticket is in it.
      const largest = `[...document.querySelectorAll("body *")].reduce((a, b) =>
        parseFloat(getComputedStyle(b).fontSize) > parseFloat(getComputedStyle(a).fontSize) ? b : a)`;
      expect(await tab.evaluate<string>(`${largest}.innerText`)).toMatch(
        /^Allows: action only "pay"; all else in the call is open; any number of times; /,
      );
      // Enter presses a form's first submit button: that one does nothing. The two answers look different.
      expect(await tab.evaluate<boolean>(`document.querySelector("main form [type=submit]").disabled`)).toBe(
        true,
      );
      const color = (value: string) =>
        tab.evaluate<string>(
          `getComputedStyle(document.querySelector("button[value=${value}]")).backgroundColor`,
        );
      expect(await color("approve")).not.toBe(await color("deny"));
      await tab.evaluate(`document.querySelector("button[value=approve]").click()`);
      await tab.until(`document.body.innerText.includes("Approved on")`);
      await tab.evaluate(`document.querySelector("button[value=withdraw]").click()`);
      await tab.until(`document.body.innerText.includes("Withdrawn on")`);
    } finally {
      await tab.close();
    }
  });
});
