/** What is asked of the same object again and again, worked out once. */
export function memoized<K extends object, T extends object | string>(make: (key: K) => T): (key: K) => T {
  const results = new WeakMap<K, T>();
  return (key) => {
    const known = results.get(key);
    if (known !== undefined) return known;
    const result = make(key);
    results.set(key, result);
    return result;
  };
}
