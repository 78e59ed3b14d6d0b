// Loaded by `node --import` before a program: its wall clock is wrong by WGNODE_LAB_SKEW_MS from the start. The monotonic one stays right.
const skewMs = Number(process.env['WGNODE_LAB_SKEW_MS'] ?? 0);

const rightNow = Date.now.bind(Date);
const skewedNow = (): number => rightNow() + skewMs;

globalThis.Date = new Proxy(Date, {
  construct: (target, values: unknown[]) =>
    Reflect.construct(target, values.length === 0 ? [skewedNow()] : values) as object,
  get: (target, name): unknown => (name === 'now' ? skewedNow : Reflect.get(target, name)),
});
