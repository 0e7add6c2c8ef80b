import { openStore } from "../../src/storage/open.ts";
import { raw } from "../storage/raw.ts";

/** Encodings in which not every text can be kept as it is. */
export const OTHER_ENCODINGS = ["LATIN1", "SQL_ASCII"] as const;

/** Makes a database in an encoding and opens it. @returns how that was refused, and how it has to be */
export async function openInEncoding(
  admin: string,
  encoding: string,
): Promise<{ readonly said: string; readonly expected: string }> {
  const url = new URL(admin);
  url.pathname = `/${encoding.toLowerCase()}`;
  await raw(admin, `create database ${encoding} encoding '${encoding}' locale 'C' template template0`);
  const said = await openStore({ place: { kind: "server", url: url.href } }).then(
    async (store) => {
      await store.close();
      return "not at all";
    },
    (error: unknown) => (error instanceof Error ? `${error.name}: ${error.message}` : "unknown"),
  );
  const cure = "create it with: encoding 'UTF8' template template0";
  return {
    said,
    expected: `ConnectError: database ${url.host}${url.pathname}: the database's encoding is not UTF8 (${encoding}): ${cure}`,
  };
}
