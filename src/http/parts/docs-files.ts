import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** Files of swagger-ui-dist that the documentation page loads, with their media types. The build copies them. */
export const DOCS_FILES: Readonly<Record<string, string>> = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
  "favicon-32x32.png": "image/png",
};

/** Finds a file of the documentation page by its name. */
export type DocsFiles = (name: string) => Promise<Uint8Array<ArrayBuffer> | undefined>;

/** Serves {@link DOCS_FILES} from a folder, each read once, and nothing else: no path can be asked for. */
export function createDocsFiles(folder: string): DocsFiles {
  const cache = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  return async (name) => {
    if (!Object.hasOwn(DOCS_FILES, name)) return undefined;
    const known = cache.get(name);
    if (known !== undefined) return known;
    const bytes = readFile(join(folder, name)).then((file) => new Uint8Array(file));
    cache.set(name, bytes);
    bytes.catch(() => cache.delete(name));
    return bytes;
  };
}
