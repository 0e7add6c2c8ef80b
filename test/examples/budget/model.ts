/** What a model answers, and how many tokens that took. */
export interface Completion {
  readonly text: string;
  readonly usage: number;
}

/** Stands for the model that you call: its usage is known once it has answered. */
export async function model({
  prompt,
}: {
  readonly prompt: string;
  readonly most: number;
}): Promise<Completion> {
  return { text: `about ${prompt.split(" ").at(-1)}`, usage: 100 + prompt.length };
}
