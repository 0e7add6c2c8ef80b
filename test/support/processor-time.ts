/**
 * Milliseconds of processor time that this thread spends on some work. A busy machine makes work take longer, and adds
 * nothing to this.
 */
export function processorTime(work: () => void): number {
  const begun = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(begun);
  return (user + system) / 1_000;
}
