import { type CookieJar, createCookieJar } from "./browser-cookies.ts";

/** A form of a page. */
export interface Form {
  readonly method: "GET" | "POST";
  readonly action: URL;
  /** What would be sent without typing anything: the fields and their values, buttons apart. */
  readonly fields: Readonly<Record<string, string>>;
  /** Names of the submit buttons that have one. */
  readonly buttons: readonly string[];
  /** The page that it is on. */
  readonly page: URL;
}

/** A page, after all redirects. */
export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Those of its contents. */
  readonly forms: readonly Form[];
  /** Those of its head, which all pages have: the way out. */
  readonly headForms: readonly Form[];
  /** The only form of the contents. @throws Error if there is none or more than one */
  form(): Form;
}

/** A browser without screen and scripts: it keeps cookies, follows redirects and submits forms. */
export interface Browser {
  readonly cookies: CookieJar;
  /** Goes to an address as if it were typed in. */
  get(url: string | URL): Promise<Page>;
  /** Fills in a form and submits it. Values may name buttons too. */
  submit(form: Form, values?: Readonly<Record<string, string>>): Promise<Page>;
}

/** Options of {@link createBrowser}. */
export interface BrowserOptions {
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Redirects to this kind of address are not followed: the redirect itself is the page. */
  readonly stopAt?: (url: URL) => boolean;
}

const MAX_REDIRECTS = 20;

/** A new browser with an empty cookie jar. */
export function createBrowser({ fetch = globalThis.fetch, stopAt }: BrowserOptions = {}): Browser {
  const cookies = createCookieJar();

  async function go(start: URL, init: { method: string; body?: URLSearchParams; from?: URL }): Promise<Page> {
    let url = start;
    let { method, body } = init;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      // On a connection of its own: a kept one may just be closed where this process has stood still for long.
      const accept = "text/html,application/xhtml+xml,*/*;q=0.8";
      const headers = new Headers({ accept, connection: "close" });
      const cookie = cookies.header(url, { from: init.from, method });
      if (cookie !== undefined) headers.set("cookie", cookie);
      // Browsers send it with every form.
      if (method === "POST" && init.from !== undefined) headers.set("origin", init.from.origin);
      const response = await fetch(url.href, { method, headers, redirect: "manual", body: body ?? null });
      cookies.store(url, response.headers.getSetCookie());
      const location = response.headers.get("location");
      const next = location === null ? null : URL.parse(location, url);
      if (response.status < 300 || response.status > 399 || next === null) return await pageOf(url, response);
      if (stopAt?.(next) === true) return await pageOf(next, response);
      // RFC 9110 §15.4: everything but 307 and 308 turns a POST into a GET.
      if (response.status !== 307 && response.status !== 308) {
        method = "GET";
        body = undefined;
      }
      await response.body?.cancel();
      url = next;
    }
    throw new Error(`more than ${MAX_REDIRECTS} redirects`);
  }

  return {
    cookies,
    get: (url) => go(new URL(url), { method: "GET" }),
    submit(form, values = {}) {
      for (const name of Object.keys(values)) {
        if (!(name in form.fields) && !form.buttons.includes(name))
          throw new Error(`the form has no field ${name}`);
      }
      const data = new URLSearchParams({ ...form.fields, ...values });
      if (form.method === "POST") return go(form.action, { method: "POST", body: data, from: form.page });
      const target = new URL(form.action);
      target.search = data.toString();
      return go(target, { method: "GET", from: form.page });
    },
  };
}

async function pageOf(url: URL, response: Response): Promise<Page> {
  const text = await response.text();
  const head = /<header>[\s\S]*?<\/header>/.exec(text)?.[0] ?? "";
  const forms = parseForms(text.replace(head, ""), url);
  return {
    url,
    status: response.status,
    headers: response.headers,
    text,
    forms,
    headForms: parseForms(head, url),
    form() {
      const [only] = forms;
      if (only === undefined || forms.length > 1)
        throw new Error(`the page has ${forms.length} forms: ${url.pathname}`);
      return only;
    },
  };
}

/** The forms of a page. Good for the pages of this project: plain markup without nesting tricks. */
export function parseForms(text: string, page: URL): readonly Form[] {
  const withoutComments = text.replace(/<!--[\s\S]*?-->/g, "");
  return [...withoutComments.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(
    ([, tag = "", inner = ""]) => {
      const form = attributesOf(tag);
      const outside =
        form["id"] === undefined ? [] : elementsOf(withoutComments).filter((e) => e["form"] === form["id"]);
      const elements = [...elementsOf(inner), ...outside];
      const named = elements.filter((element) => element["name"] !== undefined && !("disabled" in element));
      const isButton = (element: Attributes) => element["tag"] === "button" || element["type"] === "submit";
      const isUnchecked = (element: Attributes) =>
        (element["type"] === "checkbox" || element["type"] === "radio") && !("checked" in element);
      return {
        method: form["method"]?.toUpperCase() === "POST" ? "POST" : "GET",
        action: new URL(form["action"] || page.href, page),
        fields: Object.fromEntries(
          named
            .filter((element) => !isButton(element) && !isUnchecked(element))
            .map((element) => [element["name"] ?? "", element["value"] ?? ""]),
        ),
        buttons: named.filter(isButton).map((element) => element["name"] ?? ""),
        page,
      };
    },
  );
}

type Attributes = Readonly<Record<string, string | undefined>>;

function elementsOf(markup: string): readonly Attributes[] {
  return [...markup.matchAll(/<(input|button|textarea)\b([^>]*)>(?:([^<]*)<\/textarea>)?/gi)].map(
    ([, tag = "", rest = "", content]) => ({
      ...(content === undefined ? {} : { value: unescapeHtml(content) }),
      ...attributesOf(rest),
      tag: tag.toLowerCase(),
    }),
  );
}

function attributesOf(tag: string): Attributes {
  return Object.fromEntries(
    [...tag.matchAll(/([^\s"'>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)].map(
      ([, name = "", double, single, bare]) => [
        name.toLowerCase(),
        unescapeHtml(double ?? single ?? bare ?? ""),
      ],
    ),
  );
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescapeHtml(text: string): string {
  return text.replace(/&(#x?[0-9a-f]+|\w+);/gi, (whole, entity: string) => {
    if (entity.startsWith("#")) {
      const hex = entity[1]?.toLowerCase() === "x";
      return String.fromCodePoint(Number.parseInt(entity.slice(hex ? 2 : 1), hex ? 16 : 10));
    }
    return ENTITIES[entity] ?? whole;
  });
}
