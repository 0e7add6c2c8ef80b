import type { Socket } from "node:net";
import { userInfo } from "node:os";

import { Client } from "pg";

import type { AuthMethod, DatabaseAddress, HostAddress } from "../url/address.ts";
import { tlsOptions } from "./certificates.ts";
import { asStream, dial } from "./dial.ts";
import { ConnectFault } from "./fault.ts";

/** One attempt to log in. */
export interface Attempt {
  readonly address: DatabaseAddress;
  readonly host: HostAddress;
  readonly encrypted: boolean;
  /** Called with each socket as soon as it exists. */
  readonly started: (socket: Socket) => void;
}

const PLUS = "SCRAM-SHA-256-PLUS";

/** The user that a server is told; empty if the URL names none and this process's own, as a container's may, has no name. */
function userOf({ user }: DatabaseAddress): string {
  if (user !== undefined) return user;
  try {
    return userInfo().username;
  } catch {
    return "";
  }
}

/** The database that is asked for. */
export function databaseOf(address: DatabaseAddress): string {
  return address.database ?? userOf(address);
}

/** Dials one host and logs in. Rejects with the error of the system, TLS or the server, or with a {@link ConnectFault}. */
export async function logIn({ address, host, encrypted, started }: Attempt): Promise<Client> {
  const { tls, channelBinding, authMethods, password } = address;
  if (userOf(address) === "") throw new ConnectFault("no user");
  const name = host.kind === "tcp" ? host.host : "";
  const socket = await dial({
    host,
    keepAlive: address.keepAlive,
    tls: encrypted ? tlsOptions(tls, name) : undefined,
    direct: encrypted && tls.direct,
    started,
  });
  let asked: AuthMethod = "none";
  let bound = false;
  const client = new Client({
    stream: () => asStream(socket),
    ssl: false, // it is under way already
    host: name === "" ? "localhost" : name,
    port: 5432,
    user: userOf(address),
    database: databaseOf(address),
    application_name: address.applicationName,
    enableChannelBinding: encrypted && channelBinding !== "disable",
    ...(address.options === undefined ? {} : { options: address.options }),
    // Asked for only once the server wants it, and after the checks of the methods that the URL lets it want.
    password() {
      if (!authMethods.includes(asked)) throw new ConnectFault("login method", asked);
      if (channelBinding === "require" && !bound) throw new ConnectFault("no channel binding");
      if (password === undefined) throw new ConnectFault("no password");
      return password;
    },
  });
  client.on("error", () => {}); // whoever waits is told otherwise
  const { connection } = client;
  connection.once("authenticationCleartextPassword", () => {
    asked = "password";
  });
  connection.once("authenticationMD5Password", () => {
    asked = "md5";
  });
  connection.once("authenticationSASL", ({ mechanisms }: { readonly mechanisms: readonly string[] }) => {
    asked = "scram-sha-256";
    bound = encrypted && mechanisms.includes(PLUS);
  });
  await client.connect();
  if (!authMethods.includes(asked)) throw new ConnectFault("login method", asked);
  if (channelBinding === "require" && !bound) throw new ConnectFault("no channel binding");
  return client;
}
