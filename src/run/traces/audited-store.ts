import { currentSpan } from "../../domain/parts/turn.ts";
import type { Span } from "../../domain/ports/span.ts";
import type { Repositories, Store } from "../../domain/ports/store.ts";

/**
 * Has records name the audit events that are written for them, once these are on record: a transaction that is rolled back
 * leaves none, and neither does one of which nobody knows whether it was committed.
 */
export function auditedStore<S extends Store>(store: S): S {
  return {
    ...store,
    audit: {
      async append(events) {
        await store.audit.append(events);
        name(currentSpan(), events);
      },
    },
    async transaction(operation, work) {
      const span = currentSpan();
      if (span === undefined) return store.transaction(operation, work);
      const written: { readonly id: string }[] = [];
      const result = await store.transaction(operation, (repositories) =>
        work({ ...repositories, audit: noting(repositories, written) }),
      );
      name(span, written);
      return result;
    },
  };
}

function noting(
  { audit }: Pick<Repositories, "audit">,
  into: { readonly id: string }[],
): Repositories["audit"] {
  return {
    async append(events) {
      await audit.append(events);
      into.push(...events);
    },
  };
}

function name(span: Span | undefined, events: readonly { readonly id: string }[]): void {
  if (span !== undefined) for (const { id } of events) span.audited(id);
}
