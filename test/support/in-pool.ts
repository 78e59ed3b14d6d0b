/** Does the work for every item, so many at a time. */
export async function inPool<T>(items: readonly T[], size: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let item = items[(next += 1) - 1]; item !== undefined; item = items[(next += 1) - 1]) await work(item);
  };
  await Promise.all(Array.from({ length: size }, worker));
}
