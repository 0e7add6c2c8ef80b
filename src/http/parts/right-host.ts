import { isLoopbackHost } from "../../domain/access/this-machine.ts";

/**
 * Where a page has to be opened instead, when it was opened by another name of this machine than PUBLIC_URL's.
 *
 * Cookies belong to a host's name, and the issuer leads back to PUBLIC_URL: a login that began under another name could
 * not be finished. Only names that mean this machine on every machine are taken for one another, and only on the same
 * port. The target is always PUBLIC_URL's origin.
 *
 * @param asked the address by which the page was opened
 * @param path a path of this service
 * @returns undefined if the page is answered where it is
 */
export function rightHost(publicUrl: URL, asked: string, path: string): string | undefined {
  const host = publicUrl.hostname;
  const url = URL.parse(asked);
  if (url === null || !isLoopbackHost(host) || !isLoopbackHost(url.hostname) || url.hostname === host) {
    return undefined;
  }
  return url.port === publicUrl.port ? `${publicUrl.origin}${path}` : undefined;
}
