import { describe, expect, test } from "vitest";

import { coversHost, hostFault, RESOURCE_URI, readResourceUri } from "../../src/words/resource-uri.ts";

describe("the canonical URI of a resource", () => {
  test.each([
    ["https://mcp.example.com/mcp", "https://mcp.example.com/mcp", "mcp.example.com"],
    ["HTTPS://MCP.Example.COM/mcp", "https://mcp.example.com/mcp", "mcp.example.com"],
    ["https://mcp.example.com", "https://mcp.example.com", "mcp.example.com"],
    ["https://mcp.example.com/", "https://mcp.example.com", "mcp.example.com"],
    ["https://mcp.example.com:443/", "https://mcp.example.com", "mcp.example.com"],
    ["https://mcp.example.com:8443/mcp", "https://mcp.example.com:8443/mcp", "mcp.example.com"],
    ["https://mcp.example.com:80", "https://mcp.example.com:80", "mcp.example.com"],
    ["https://mcp.example.com:1/mcp", "https://mcp.example.com:1/mcp", "mcp.example.com"],
    ["https://mcp.example.com:65535/mcp", "https://mcp.example.com:65535/mcp", "mcp.example.com"],
    ["https://mcp.example.com/mcp/", "https://mcp.example.com/mcp/", "mcp.example.com"],
    ["https://mcp.example.com/Mcp", "https://mcp.example.com/Mcp", "mcp.example.com"],
    ["https://mcp.example.com/a?tenant=7", "https://mcp.example.com/a?tenant=7", "mcp.example.com"],
    ["https://mcp.example.com/?tenant=7", "https://mcp.example.com?tenant=7", "mcp.example.com"],
    ["https://mcp.example.com/caf%c3%a9", "https://mcp.example.com/caf%C3%A9", "mcp.example.com"],
    ["https://xn--bcher-kva.example/a,b;c", "https://xn--bcher-kva.example/a,b;c", "xn--bcher-kva.example"],
    ["https://mcp.example.com/a?q=caf%c3%a9", "https://mcp.example.com/a?q=caf%C3%A9", "mcp.example.com"],
    ["https://mcp.example.com/a%20b%80", "https://mcp.example.com/a%20b%80", "mcp.example.com"],
    ["https://10.0.0.7/mcp", "https://10.0.0.7/mcp", "10.0.0.7"],
    ["https://249.255.199.99/mcp", "https://249.255.199.99/mcp", "249.255.199.99"],
    ["http://localhost:3000/mcp", "http://localhost:3000/mcp", "localhost"],
    ["http://127.0.0.1:80/mcp", "http://127.0.0.1/mcp", "127.0.0.1"],
    ["http://[::1]:3000/mcp", "http://[::1]:3000/mcp", "[::1]"],
  ])("%s", (text, uri, host) => {
    expect(readResourceUri(text)).toEqual({ ok: true, uri, host });
    expect(readResourceUri(uri)).toEqual({ ok: true, uri, host });
  });

  test.each([
    ["", "visible ASCII"],
    ["mcp.example.com/mcp", "absolute https"],
    ["/mcp", "absolute https"],
    ["//mcp.example.com/mcp", "absolute https"],
    ["ftp://mcp.example.com", "absolute https"],
    ["1https://mcp.example.com/mcp", "absolute https"],
    ["urn:example:files", "absolute https"],
    ["http://mcp.example.com/mcp", "http is only for"],
    ["http://localhost.example.com/mcp", "http is only for"],
    ["http://127.0.0.2/mcp", "http is only for"],
    ["https://mcp.example.com/mcp#", "fragment"],
    ["https://mcp.example.com/mcp#top", "fragment"],
    ["https://alice@mcp.example.com/mcp", "user information"],
    ["https://@mcp.example.com/mcp", "user information"],
    ["https://mcp.example.com:8443@evil.example/mcp", "user information"],
    ["https:///mcp", "name a host"],
    ["https://:443/mcp", "name a host"],
    ["https://mcp.example.com./mcp", "name a host"],
    ["https://mcp..example.com/mcp", "name a host"],
    ["https://-mcp.example.com/mcp", "name a host"],
    ["https://mcp_files.example.com/mcp", "name a host"],
    ["https://mcp%2eexample.com/mcp", "name a host"],
    ["https://*.example.com/mcp", "name a host"],
    ["https://mcp.example.com\\@evil.example/", "user information"],
    ["https://mcp.example.com:/mcp", "name a host"],
    ["https://mcp.example.com:0/mcp", "name a host"],
    ["https://mcp.example.com:0443/mcp", "name a host"],
    ["https://mcp.example.com:65536/mcp", "name a host"],
    ["https://mcp.example.com:8443:1/mcp", "name a host"],
    ["https://2130706433/mcp", "name a host"],
    ["https://0x7f.1/mcp", "name a host"],
    ["https://127.0x1/mcp", "name a host"],
    ["https://127.0x/mcp", "name a host"],
    ["https://010.0.0.7/mcp", "name a host"],
    ["https://10.0.0.256/mcp", "name a host"],
    ["https://10.0.0.7.8/mcp", "name a host"],
    ["https://[::1]x/mcp", "name a host"],
    ["https://[fe80::1]/mcp", "name a host"],
    [`https://${"a".repeat(64)}.example/`, "name a host"],
    ["https://mcp.example.com/a/../b", "dot segments"],
    ["https://mcp.example.com/..", "dot segments"],
    ["https://mcp.example.com/./mcp", "dot segments"],
    ["https://mcp.example.com//mcp", "empty segments"],
    ["https://mcp.example.com/%2e%2e/mcp", "need none"],
    ["https://mcp.example.com/%6dcp", "need none"],
    ["https://mcp.example.com/a%2Fb", "slash as a triplet"],
    ["https://mcp.example.com/a%5cb", "slash as a triplet"],
    ["https://mcp.example.com/a%00b", "control characters"],
    ["https://mcp.example.com/a%1Fb", "control characters"],
    ["https://mcp.example.com/a%7Fb", "control characters"],
    ["https://mcp.example.com/%zz", "must be triplets"],
    ["https://mcp.example.com/%4z", "must be triplets"],
    ["https://mcp.example.com/mcp?a=%zz", "must be triplets"],
    ["https://mcp.example.com/mcp?a=%4z", "must be triplets"],
    ["https://mcp.example.com/mcp?a=\\", "must be triplets"],
    ["https://mcp.example.com/mcp?\\?a", "must be triplets"],
    ["https://mcp.example.com/a\\b", "must be triplets"],
    ["https://mcp.example.com/mcp?", "empty query"],
    ["https://mcp.example.com/a b", "visible ASCII"],
    ["https://mcp.example.com/mcp\n", "visible ASCII"],
    ["https://bücher.example/mcp", "visible ASCII"],
    [`https://mcp.example.com/${"a".repeat(RESOURCE_URI)}`, "more than 1000 characters"],
  ])("is not %j", (text, why) => {
    expect(readResourceUri(text)).toEqual({ ok: false, why: expect.stringContaining(why) });
  });

  test("has as many characters as may be", () => {
    const text = "https://mcp.example.com/".padEnd(RESOURCE_URI, "a");
    expect(readResourceUri(text)).toMatchObject({ ok: true, uri: text });
  });
});

describe("hosts of a platform", () => {
  test.each([
    ["mcp.example.com", undefined],
    ["*.acme.example", undefined],
    ["localhost", undefined],
    ["10.0.0.7", undefined],
    ["[::1]", undefined],
    ["", "must be a host"],
    ["*", "must be a host"],
    ["*.", "must be a host"],
    ["*.example", "two labels"],
    ["*.10.0.0.7", "two labels"],
    ["*.[::1]", "two labels"],
    ["*.*.acme.example", "must be a host"],
    ["a.*.example", "must be a host"],
    ["*acme.example", "must be a host"],
    ["MCP.example.com", "must be a host"],
    ["mcp.example.com:443", "must be a host"],
    ["https://mcp.example.com", "must be a host"],
    ["mcp.example.com/mcp", "must be a host"],
    ["mcp.example.com.", "must be a host"],
  ])("%j", (entry, why) => {
    if (why === undefined) expect(hostFault(entry)).toBeUndefined();
    else expect(hostFault(entry)).toContain(why);
  });

  test.each([
    ["mcp.example.com", "mcp.example.com", true],
    ["mcp.example.com", "xmcp.example.com", false],
    ["mcp.example.com", "a.mcp.example.com", false],
    ["*.acme.example", "mcp.acme.example", true],
    ["*.acme.example", "acme.example", false],
    ["*.acme.example", "a.b.acme.example", false],
    ["*.acme.example", "evilacme.example", false],
    ["*.acme.example", "mcp.acme.example.evil.example", false],
    ["*.acme.example", ".acme.example", false],
  ])("%s covers %s: %s", (entry, host, covers) => expect(coversHost(entry, host)).toBe(covers));
});
