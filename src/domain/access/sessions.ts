import { actorOf, auditEvent } from "../audit.ts";
import { DomainError } from "../parts/error.ts";
import { requireHuman } from "../permission.ts";
import type { Clock } from "../ports/clock.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";
import type { Sessions } from "../session-service.ts";

/** A person's own sessions: the browsers that they are signed in with, and the programs that act as them. */
export function createSessions(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly randomness: Randomness;
}): Sessions {
  const { store, clock, randomness } = options;
  return {
    async list(caller, kind, page) {
      const { identity, program } = requireHuman(caller);
      if (program === undefined) return store.sessions.list(identity, { kind, now: clock.now() }, page);
      // A program learns of its own login alone.
      const isOn = (kind ?? program.kind) === program.kind && page.after === undefined;
      return { items: isOn ? [program] : [], next: undefined };
    },

    async end(caller, id) {
      const human = requireHuman(caller);
      if (human.program !== undefined && human.program.id !== id) {
        throw new DomainError("forbidden", "a program ends its own login, and no other session");
      }
      await store.transaction("end session", async (repositories) => {
        const session = await repositories.sessions.endOwn(human.identity, id);
        if (session === undefined) throw new DomainError("not_found", "no such session");
        const details = { session: id, kind: session.kind };
        const event = { action: "session.ended", actor: actorOf(human), platform: null, details } as const;
        await repositories.audit.append([auditEvent(randomness, await repositories.now(), event)]);
      });
    },
  };
}
