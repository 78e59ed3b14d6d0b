/**
 * Jest runs tests in a realm of their own, where `error instanceof Error` is false for what Node itself throws (TLS, sockets). Outside of
 * tests it is true, and p-retry and others rely on it; this makes it so here too.
 */
Object.defineProperty(Error, Symbol.hasInstance, {
  value(this: unknown, candidate: unknown): boolean {
    const ordinary = Function.prototype[Symbol.hasInstance].call(this as () => void, candidate);
    return this === Error ? ordinary || Object.prototype.toString.call(candidate) === '[object Error]' : ordinary;
  },
});

export {};
