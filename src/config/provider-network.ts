import { X509Certificate } from "node:crypto";
import { Invalid, type Reader } from "./environment.ts";
import type { Proxies } from "./proxy-choice.ts";
import { parseUrl } from "./values.ts";

/** The way to identity providers. */
export interface ProviderNetwork {
  /** Certificates, in PEM, of authorities that are believed besides the usual ones. */
  readonly authorities: readonly string[];
  readonly proxies: Proxies;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

function parseAuthorities(text: string): readonly string[] {
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw new Invalid("the file holds no certificate in PEM");
  return certificates.map((certificate, at) => {
    try {
      return new X509Certificate(certificate).toString();
    } catch {
      throw new Invalid(`certificate ${at + 1} of the file cannot be read`);
    }
  });
}

/** Items between commas or spaces, since both are in use. */
function parseHosts(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((item) => item !== "");
}

/** Reads how identity providers are reached. */
export function readProviderNetwork(reader: Reader): ProviderNetwork {
  const hosts = reader.read("no_proxy", parseHosts) ?? reader.read("NO_PROXY", parseHosts) ?? [];
  return {
    authorities: reader.contents("OIDC_CA_FILE", parseAuthorities) ?? [],
    proxies: {
      https: proxyOf(reader, "https_proxy") ?? proxyOf(reader, "HTTPS_PROXY"),
      http: proxyOf(reader, "http_proxy") ?? proxyOf(reader, "HTTP_PROXY"),
      except: hosts,
    },
  };
}

/** A proxy's address. One of another kind is for other programs that read the same variable. */
function proxyOf(
  reader: Reader,
  name: "https_proxy" | "HTTPS_PROXY" | "http_proxy" | "HTTP_PROXY",
): string | undefined {
  const text = reader.text(name);
  if (text === undefined) return undefined;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) && !/^https?:/i.test(text)) {
    reader.warn(`${name}: is not used: only proxies with http:// or https:// are`);
    return undefined;
  }
  return reader.read(name, (value) => {
    const url = parseUrl(value.includes("://") ? value : `http://${value}`, ["http:", "https:"]);
    try {
      decodeURIComponent(`${url.username}${url.password}`);
    } catch {
      throw new Invalid("user and password must be percent-encoded: write % as %25");
    }
    return url.href;
  });
}
