import { createHash } from "node:crypto";

/** The fields of the login page as a human typed them. */
export interface Account {
  readonly subject: string;
  readonly name: string;
  readonly email: string | null;
  readonly groups: readonly string[];
}

/** The outcome of reading a login form. */
export type AccountReading =
  | { readonly ok: true; readonly account: Account }
  | { readonly ok: false; readonly problem: string };

const MAX_NAME = 100;
const MAX_EMAIL = 254;
const MAX_GROUPS = 50;
const MAX_GROUP = 100;

/** Reads the login form. Nothing is proven by it: the provider is there to be believed. */
export function readAccount(form: URLSearchParams): AccountReading {
  const name = (form.get("name") ?? "").normalize("NFC").trim().replace(/\s+/gu, " ");
  if (name === "") return problem("Please type a name.");
  if (!isPlain(name, MAX_NAME)) return problem(`A name has at most ${MAX_NAME} characters, all printable.`);

  const email = (form.get("email") ?? "").trim();
  if (email !== "" && !(isPlain(email, MAX_EMAIL) && /^[^\s@]+@[^\s@]+$/.test(email))) {
    return problem("That is no e-mail address.");
  }

  const groups = (form.get("groups") ?? "")
    .split(",")
    .map((group) => group.trim())
    .filter((group) => group !== "");
  if (groups.length > MAX_GROUPS || !groups.every((group) => isPlain(group, MAX_GROUP))) {
    return problem(`There are at most ${MAX_GROUPS} groups of ${MAX_GROUP} printable characters each.`);
  }
  return {
    ok: true,
    account: {
      subject: subjectOf(name),
      name,
      email: email === "" ? null : email,
      groups: [...new Set(groups)],
    },
  };
}

/**
 * The subject that stands for a name: the same whenever the name is typed again, and readable, since
 * policies and approvals name subjects. `Alice` is `alice`; names with other characters get a hash added,
 * so that two of them are not one.
 */
function subjectOf(name: string): string {
  const lower = name.toLowerCase();
  if (/^[a-z0-9._@+-]{1,64}$/.test(lower)) return lower;
  const readable = lower
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 48);
  const hash = createHash("sha256").update(lower).digest("base64url").slice(0, 10);
  return readable === "" ? hash : `${readable}-${hash}`;
}

/** Accounts of this process; the last login under a name decides its groups. Bounded: the oldest go first. */
export function createAccounts(limit = 1_000): {
  readonly put: (account: Account) => void;
  readonly find: (subject: string) => Account | undefined;
} {
  const accounts = new Map<string, Account>();
  return {
    put(account) {
      accounts.delete(account.subject);
      accounts.set(account.subject, account);
      for (const [oldest] of accounts) {
        if (accounts.size <= limit) break;
        accounts.delete(oldest);
      }
    },
    find: (subject) => accounts.get(subject),
  };
}

function isPlain(text: string, max: number): boolean {
  return text.length <= max && text.isWellFormed() && !/[\p{Cc}\u2028\u2029]/u.test(text);
}

function problem(text: string): AccountReading {
  return { ok: false, problem: text };
}
