import postgres from "postgres";

/** A connection as the superuser, past the proxy. */
export function superuser(url: string, max = 1) {
  return postgres(url, { max, onnotice: () => {}, connect_timeout: 5 });
}

/** Runs statements as the superuser. */
export async function asSuperuser(url: string, ...statements: readonly string[]): Promise<void> {
  const sql = superuser(url);
  try {
    for (const text of statements) await sql.unsafe(text);
  } finally {
    await sql.end({ timeout: 1 });
  }
}
