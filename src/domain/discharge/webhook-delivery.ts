import type { Clock } from "../ports/clock.ts";
import type { Store } from "../ports/store.ts";
import type { Webhook, WebhookMessage } from "../ports/webhook.ts";

/** Milliseconds until a message that was taken is due again, should whoever took it die. */
const LEASE = 60_000;

/** Milliseconds until the second attempt; each further one waits twice as long. */
const FIRST_PAUSE = 5_000;

/** Past this many attempts, over about six hours, a message is given up. */
const MOST_ATTEMPTS = 13;

const AT_ONCE = 16;

/** Sends the notifications that wait, each at least once, until the receiver takes it. */
export function createWebhookDelivery(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly webhook: Webhook;
  readonly onGivenUp: (id: string) => void;
}) {
  const { store, clock, webhook } = options;

  async function deliver({ id, body, attempts }: WebhookMessage): Promise<void> {
    if (await webhook.send({ id, body, at: clock.now() })) {
      await store.webhookOutbox.remove(id);
    } else if (attempts + 1 >= MOST_ATTEMPTS) {
      await store.webhookOutbox.remove(id);
      options.onGivenUp(id);
    } else {
      await store.webhookOutbox.postpone(id, (await store.now()) + FIRST_PAUSE * 2 ** attempts);
    }
  }

  return {
    /** Sends what is due. @returns how many messages were tried */
    async run(): Promise<number> {
      const now = await store.now();
      const messages = await store.webhookOutbox.claim(now, now + LEASE, AT_ONCE);
      await Promise.all(messages.map(deliver));
      return messages.length;
    },
  };
}
