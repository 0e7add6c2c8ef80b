import type { Changes } from "../../domain/ports/changes.ts";
import type { Connect, Connection, Run } from "./connection.ts";
import { before } from "./guard.ts";

/** The channel that changes are announced on. */
const CHANNEL = "bakehouse_revocations";

/** The time until a pooler in between is looked for again: a change that is not heard is polled. */
const RARELY = 60_000;

/** Settings of a listener. All times are milliseconds. */
export interface ListenerOptions {
  /** Opens a connection that calls back with each notification. */
  readonly connect: (onNotify: (channel: string, payload: string) => void) => Connect;
  readonly run: Run;
  /** Between two checks that the connection is alive. */
  readonly check?: number;
  /** How long a check may take before the connection counts as lost. */
  readonly deadline?: number;
  /** Between two attempts to connect. */
  readonly pause?: number;
  /**
   * Whether to listen if the session is not ours, too. A pooler in session mode gives us one and does not show it; in
   * transaction mode it would leave a connection listening that serves others.
   */
  readonly always: boolean;
}

/**
 * Announces by NOTIFY and hears by LISTEN, on a connection of its own that nothing else waits for.
 *
 * A connection that is cut silently says nothing, and neither does a quiet log: so it is asked from time to time,
 * and replaced when it does not answer. Each answer counts as a change, because earlier ones may have
 * been missed. An engine that has no LISTEN is asked again from time to time, which costs next to nothing.
 */
export function createListener(options: ListenerOptions): Changes {
  const { connect, run, check = 1_000, deadline = 1_000, pause = 1_000 } = options;
  let announcing = false;
  let latest: string | undefined;

  async function announce(): Promise<void> {
    if (announcing) return;
    announcing = true;
    for (let sequence = latest; sequence !== undefined; sequence = latest) {
      latest = undefined;
      // A change that is not heard is polled.
      const values = [CHANNEL, sequence];
      await run("changes.announce", (session) => session.query("select pg_notify($1, $2)", values)).catch(
        () => undefined,
      );
    }
    announcing = false;
  }

  return {
    listen(onChange) {
      let stopped = false;
      let timer: NodeJS.Timeout | undefined;
      let connection: Connection | undefined;

      function drop(): void {
        // Not closed in good order: it may be one that never answers.
        void connection?.abandon(true);
        connection = undefined;
      }

      async function step(): Promise<void> {
        try {
          if (connection === undefined || connection.lost()) {
            connection = await connect((channel, payload) => {
              if (channel === CHANNEL && !stopped) onChange(payload);
            })();
            if (!(connection.ownSession || options.always)) {
              await connection.close();
              connection = undefined;
              timer = setTimeout(step, RARELY).unref();
              return;
            }
            await ask(connection, `listen ${CHANNEL}`);
          } else {
            await ask(connection, "select 1 as alive");
          }
          if (!stopped) onChange(undefined);
        } catch {
          drop();
        }
        if (stopped) drop();
        else timer = setTimeout(step, connection === undefined ? pause : check).unref();
      }

      const ask = (asked: Connection, text: string) =>
        before(performance.now() + deadline, asked.query(text, []));

      void step();
      return () => {
        stopped = true;
        clearTimeout(timer);
        drop();
      };
    },
    announce(sequence) {
      latest = sequence;
      void announce();
    },
  };
}

/** Tells those within this process, which are all there can be: the embedded database has no other. */
export function createLocalChanges(): Changes {
  const listeners = new Set<(sequence: string) => void>();
  return {
    listen(onChange) {
      listeners.add(onChange);
      return () => listeners.delete(onChange);
    },
    announce(sequence) {
      for (const listener of listeners) setImmediate(() => listener(sequence));
    },
  };
}
