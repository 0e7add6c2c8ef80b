/** Why a connection or a request over it failed, in a word for the log and in words for people. */
export interface ConnectionTrouble {
  readonly cause: "dns" | "refused" | "tls" | "timeout" | "proxy" | "connection";
  /** The system's or library's own name for it; undefined if it has none. */
  readonly code: string | undefined;
  readonly words: string;
}

const WORDS: Readonly<Record<ConnectionTrouble["cause"], string>> = {
  dns: "its host name is not found",
  refused: "it refuses connections",
  tls: "its certificate or TLS is not accepted",
  timeout: "it did not answer in time",
  proxy: "the proxy lets no connection to it through",
  connection: "no connection",
};

const CAUSES: readonly (readonly [RegExp, ConnectionTrouble["cause"]])[] = [
  [/^(?:ENOTFOUND|EAI_\w+)$/, "dns"],
  [/^ECONNREFUSED$/, "refused"],
  [/^(?:ETIMEDOUT|UND_ERR_\w*TIMEOUT)$/, "timeout"],
  [/^ERR_PROXY_\w+$/, "proxy"],
  [/^(?:ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_)/, "tls"],
  [/^(?:EPROTO|ERR_OSSL_\w+)$/, "tls"],
];

const CODE = /^[A-Z][A-Z0-9_]{1,63}$/;

/** Reads the error of a request: its code alone, since its message names addresses and may repeat headers. */
export function connectionTrouble(error: unknown): ConnectionTrouble {
  const code = codeOf(error, 0);
  const cause = CAUSES.find(([pattern]) => code !== undefined && pattern.test(code))?.[1] ?? "connection";
  return { cause, code, words: WORDS[cause] };
}

/** The innermost code, since outer errors only say that something failed. */
function codeOf(error: unknown, depth: number): string | undefined {
  if (!(error instanceof Error) || depth > 4) return undefined;
  // One error for each address of the host.
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  const own: unknown = "code" in error ? error.code : undefined;
  return codeOf(inner, depth + 1) ?? (typeof own === "string" && CODE.test(own) ? own : undefined);
}
