import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { runInNewContext } from "node:vm";

import { expect, test } from "vitest";

import { encodeBundle, mint } from "../../src/macaroon/index.ts";
import { findChromium, openTab } from "../support/chromium.ts";
import { isShort } from "../support/form.ts";
import { builtBundle } from "../support/process-bundle.ts";

const library = readFileSync(join(dirname(builtBundle("src/main.ts", "library")), "index.js"), "utf8");
const token = encodeBundle([mint({ rootKey: new Uint8Array(32).fill(1), identifier: "id" })]);

const PAGE = `<!doctype html><title>t</title><output></output><script type="module">
import { createBakehouse, Token } from "/index.js";
const show = (text) => { document.querySelector("output").textContent = text; };
try {
  const child = Token.parse("${token}").delegate("page", { caveats: ["action = read"] });
  const client = createBakehouse({ url: location.origin, credential: "from-the-page" });
  const verdict = await client.verify({ token: child.encode(), context: { action: "read" } });
  show(["DONE", child.inspect().agents.length, verdict.code].join(" "));
} catch (error) { show("FAILED " + error); }
</script>`;

const REFUSED = {
  allowed: false,
  code: "unknown_key",
  detail: "d",
  failures: [],
  undischarged: [],
  sequence: "e-1",
};

test("the bundle imports nothing", () => {
  expect(
    library.match(/(?:^|[;}\s])(?:import|export)\s*(?:[\w$*{},\s]+from\s*)?["'][^"'\n]*["']|\bimport\(/g),
  ).toBeNull();
});

test("the bundle is loaded and used where there is no Node: in a browser, where one is installed", async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    if (request.url === "/index.js") response.setHeader("content-type", "text/javascript").end(library);
    else if (request.url === "/v1/verify") {
      asked.push(String(request.headers.authorization), String(request.headers.cookie));
      response.setHeader("content-type", "application/json").end(JSON.stringify(REFUSED));
    } else response.setHeader("content-type", "text/html").setHeader("set-cookie", "ambient=1").end(PAGE);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  try {
    const chromium = isShort() ? undefined : findChromium();
    // Without a browser, the web's own globals alone have to do.
    if (chromium === undefined) {
      const script = library.replace(/export\s*\{([^}]*)\};?\s*(?:\/\/#.*)?\s*$/, (_, names: string) => {
        const local = /([\w$]+) as Token\b/.exec(names)?.[1] ?? "Token";
        return `;${local}.parse("${token}").delegate("page").inspect().agents.length`;
      });
      const { crypto, TextEncoder, TextDecoder, URL, Request, Headers, AbortSignal } = globalThis;
      const globals = { crypto, TextEncoder, TextDecoder, URL, Request, Headers, AbortSignal, performance };
      // A block of its own, as a module is: where another file asked for Node's own `gc`, that name is taken.
      expect(runInNewContext(`"use strict"; {${script}\n}`, globals)).toBe(1);
      return;
    }
    const tab = await openTab(chromium);
    try {
      await tab.goto(`http://127.0.0.1:${port}/`);
      const output = `document.querySelector("output")?.textContent`;
      await tab.until(`Boolean(${output})`);
      expect(await tab.evaluate(output)).toBe("DONE 1 unknown_key");
    } finally {
      await tab.close();
    }
    expect(asked).toEqual(["Bearer from-the-page", "undefined"]);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
