type Entry = readonly [finding: string, cure: string];

const OTHER_FOLDER = "let this user write there, or set DATA_DIR to another folder";

/** Faults of files and folders. All that the start touches without a message of its own is in the data folder. */
const FILES: Readonly<Record<string, Entry>> = {
  EACCES: ["cannot be read and written by this user", OTHER_FOLDER],
  EPERM: ["cannot be read and written by this user", OTHER_FOLDER],
  EROFS: ["is on a disk that takes no writes", "set DATA_DIR to another folder"],
  ENOSPC: ["has no room left", "make room on its disk, or set DATA_DIR to another folder"],
  EDQUOT: ["has no room left", "make room on its disk, or set DATA_DIR to another folder"],
  EEXIST: ["is a file", "set DATA_DIR to a folder"],
  ENOTDIR: ["is below a file", "set DATA_DIR to a folder"],
  EISDIR: ["is a folder", "move it away"],
  ENOENT: ["is not there", "set DATA_DIR to a folder that stays"],
  ENAMETOOLONG: ["is too long a name", "set DATA_DIR to another folder"],
  ELOOP: ["is a link that leads to itself", "set DATA_DIR to another folder"],
};

const FEWER_FILES: Entry = ["too many files are open", "raise the limit (ulimit -n)"];

/** Faults of the port. */
const PORTS: Readonly<Record<string, Entry>> = {
  EADDRINUSE: ["is in use by another process", "stop that one, or set PORT to another port"],
  EACCES: [
    "is not for this user to listen on",
    "set PORT to 1024 or more, or give this process the capability NET_BIND_SERVICE",
  ],
  EADDRNOTAVAIL: ["is no address of this machine", "set HOST to one that it has, or to 0.0.0.0 for all"],
  EAFNOSUPPORT: ["is of a kind that this machine does not have", "set HOST to an address that it has"],
  EINVAL: ["cannot be listened on", "set HOST to an address that this machine has"],
  ENOTFOUND: ["is a name without an address", "set HOST to an IP address"],
  EAI_AGAIN: ["is a name that the name service does not tell", "set HOST to an IP address"],
};

/** The parts of an error of the system that are for people: names and numbers. */
interface SystemError {
  readonly code: string;
  readonly syscall: string;
  readonly path: string | undefined;
  readonly address: string | undefined;
  readonly port: number | undefined;
}

/**
 * Says what an error of the system means at the start: the finding, the place, the code, the cure.
 *
 * @returns undefined for any other error
 */
export function explainSystem(error: Error): string | undefined {
  const known = systemError(error);
  if (known === undefined) return undefined;
  const { code, syscall, path } = known;
  if (code === "EMFILE" || code === "ENFILE") return line("this machine", FEWER_FILES, code);
  if (["listen", "bind", "getaddrinfo"].includes(syscall)) {
    const entry = own(PORTS, code) ?? ["cannot be listened on", "set HOST and PORT to others"];
    return line(`address ${addressOf(known)}`, entry, code);
  }
  if (path === undefined) return undefined;
  return line(printable(path), own(FILES, code) ?? ["cannot be used", "see DATA_DIR"], code);
}

function line(subject: string, [finding, cure]: Entry, code: string): string {
  return `${subject} ${finding} (${code}): ${cure}`;
}

function addressOf({ address, port }: SystemError): string {
  const host = address === undefined ? "HOST" : printable(address);
  return `${host.includes(":") ? `[${host}]` : host}${port === undefined ? "" : `:${port}`}`;
}

function systemError(error: Error): SystemError | undefined {
  const text = (name: string) => {
    const value: unknown = Reflect.get(error, name);
    return typeof value === "string" ? value : undefined;
  };
  const [code, syscall] = [text("code"), text("syscall")];
  if (code === undefined || syscall === undefined || !/^E[A-Z0-9_]{2,20}$/.test(code)) return undefined;
  const port: unknown = Reflect.get(error, "port");
  return {
    code,
    syscall,
    path: text("path"),
    address: text("address") ?? text("hostname"),
    port: typeof port === "number" ? port : undefined,
  };
}

/** A name as one line. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, " ").slice(0, 300);
}

function own(table: Readonly<Record<string, Entry>>, code: string): Entry | undefined {
  return Object.hasOwn(table, code) ? table[code] : undefined;
}
