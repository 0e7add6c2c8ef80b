import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { expect, test } from "vitest";

// In a process of its own, because the library prints while it is loaded, and only the first time.
const SCRIPT = `
const { startDevelopmentServer } = await import("./test/oidc/development-server.ts");
const { createBrowser } = await import("./test/support/browser.ts");
const server = await startDevelopmentServer();
const browser = createBrowser({ stopAt: (url) => url.pathname === "/callback" });
const url = new URL(server.provider.issuer + "/auth");
url.search = new URLSearchParams({
  client_id: "bakehouse", response_type: "code", redirect_uri: server.publicUrl + "/callback",
  scope: "openid profile email groups", code_challenge: "v".repeat(43), code_challenge_method: "S256",
}).toString();
const back = await browser.submit((await browser.get(url)).form(), { name: "Alice" });
await browser.get(server.provider.issuer + "/auth");
await browser.get(server.provider.issuer + "/device");
await browser.get(server.provider.issuer + "/device?user_code=AAAA-AAAA");
await fetch(server.provider.issuer + "/token", { method: "POST", headers: { origin: "http://localhost:1" } });
await fetch(server.provider.issuer + "/me", { headers: { origin: "http://localhost:1" } });
await fetch(server.provider.issuer + "/nowhere");
await server.close();
if (!back.url.searchParams.has("code") || server.faults.length > 0) process.exitCode = 1;
`;

test("a login through the development provider prints nothing", async () => {
  const run = promisify(execFile);
  const { stdout, stderr } = await run(process.execPath, ["--input-type=module", "--eval", SCRIPT], {
    cwd: new URL("../..", import.meta.url),
    env: { PATH: process.env["PATH"] ?? "" },
  });
  expect({ stdout, stderr }).toEqual({ stdout: "", stderr: "" });
});
