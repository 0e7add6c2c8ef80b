import { describe, expect, test } from "vitest";

import { createBrowser, parseForms } from "../support/browser.ts";
import { createCookieJar } from "../support/browser-cookies.ts";

const HOME = new URL("http://127.0.0.1:8080/a/page");

describe("cookies", () => {
  test.each([
    { name: "back to where they came from", set: "a=1", to: "http://127.0.0.1:8080/a/other", sent: "a=1" },
    { name: "below their default path only", set: "a=1", to: "http://127.0.0.1:8080/b", sent: undefined },
    { name: "below their path", set: "a=1; Path=/b", to: "http://127.0.0.1:8080/b/c", sent: "a=1" },
    { name: "not beside their path", set: "a=1; Path=/b", to: "http://127.0.0.1:8080/bc", sent: undefined },
    { name: "to every port of the host", set: "a=1; Path=/", to: "http://127.0.0.1:9/", sent: "a=1" },
    { name: "to no other host", set: "a=1; Path=/", to: "http://localhost:8080/", sent: undefined },
    {
      name: "not where Secure came over http",
      set: "a=1; Path=/; Secure",
      to: "http://127.0.0.1/",
      sent: undefined,
    },
    {
      name: "not under __Host- over http",
      set: "__Host-a=1; Path=/; Secure",
      to: "http://127.0.0.1/",
      sent: undefined,
    },
    {
      name: "not for another domain",
      set: "a=1; Path=/; Domain=evil.example",
      to: "http://127.0.0.1/",
      sent: undefined,
    },
    {
      name: "not once they are over",
      set: "a=1; Path=/; Max-Age=0",
      to: "http://127.0.0.1/",
      sent: undefined,
    },
    {
      name: "not after their date",
      set: "a=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
      to: "http://127.0.0.1/",
      sent: undefined,
    },
  ])("go $name", ({ set, to, sent }) => {
    const jar = createCookieJar();
    jar.store(HOME, [set]);
    expect(jar.header(new URL(to), { method: "GET" })).toBe(sent);
  });

  test.each([
    { sameSite: "Strict", method: "GET", sent: false },
    { sameSite: "Lax", method: "GET", sent: true },
    { sameSite: "Lax", method: "POST", sent: false },
    { sameSite: "", method: "POST", sent: false },
  ])("with SameSite=$sameSite go along with another site's $method: $sent", ({ sameSite, method, sent }) => {
    const jar = createCookieJar();
    jar.store(HOME, [`a=1; Path=/; SameSite=${sameSite}`]);
    const from = new URL("http://evil.example/");
    expect(jar.header(HOME, { method, from }) !== undefined).toBe(sent);
    expect(jar.header(HOME, { method, from: HOME })).toBe("a=1");
  });

  test("are replaced by name and path, and ended", () => {
    const jar = createCookieJar();
    jar.store(HOME, ["a=1; Path=/", "a=2; Path=/", "b=3; Path=/"]);
    expect(jar.header(HOME, { method: "GET" })).toBe("a=2; b=3");
    jar.store(HOME, ["a=; Path=/; Max-Age=0"]);
    expect(jar.header(HOME, { method: "GET" })).toBe("b=3");
  });
});

test("forms are read with their fields, values and buttons", () => {
  const [form, other] = parseForms(
    `<form id=f method="post" action="/go?a=1&amp;b=2"><input name="x" value="a&quot;&#x3c;&amp;lt;">
     <input type=checkbox name=on value=1 checked><input type="checkbox" name="off">
     <textarea name="t">one &amp; two</textarea><button name="no">No</button></form>
     <button form="f" name="yes" value="1">Yes</button><form></form>`,
    HOME,
  );
  expect(form).toEqual({
    method: "POST",
    action: new URL("http://127.0.0.1:8080/go?a=1&b=2"),
    fields: { x: 'a"<&lt;', on: "1", t: "one & two" },
    buttons: ["no", "yes"],
    page: HOME,
  });
  expect(other).toMatchObject({ method: "GET", action: HOME, fields: {} });
});

describe("the browser", () => {
  const seen: string[] = [];
  const browser = createBrowser({
    fetch: async (url, init) => {
      const headers = new Headers(init.headers);
      seen.push(
        `${init.method} ${url} ${String(init.body)} ${headers.get("cookie")} ${headers.get("origin")}`,
      );
      if (url.endsWith("/first")) {
        return new Response(null, {
          status: 302,
          headers: { location: "/second", "set-cookie": "a=1; Path=/" },
        });
      }
      if (url.endsWith("/loop")) return new Response(null, { status: 302, headers: { location: "/loop" } });
      if (url.endsWith("/go")) return new Response(null, { status: 303, headers: { location: "/done" } });
      return new Response('<form method="post" action="/go"><input name="x"></form>');
    },
  });

  test("follows redirects, keeps cookies and submits forms with their origin", async () => {
    const page = await browser.get("http://h.test/first");
    const done = await browser.submit(page.form(), { x: "y z" });
    expect(done.url.href).toBe("http://h.test/done");
    expect(seen).toEqual([
      "GET http://h.test/first null null null",
      "GET http://h.test/second null a=1 null",
      "POST http://h.test/go x=y+z a=1 http://h.test",
      "GET http://h.test/done null a=1 null",
    ]);
  });

  test("does not go round in circles, nor fill in what is not there", async () => {
    await expect(browser.get("http://h.test/loop")).rejects.toThrow("redirects");
    const page = await browser.get("http://h.test/page");
    expect(() => browser.submit(page.form(), { nothing: "1" })).toThrow("no field");
  });
});
