import postgres from "postgres";

/** Asks a server directly, beside the store under test. */
export async function raw(url: string, text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return [...(await sql.unsafe(text))];
  } finally {
    await sql.end({ timeout: 2 });
  }
}
