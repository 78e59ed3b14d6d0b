/** What shall happen to a key after its reconcile; a thrown error is a failure and backs off. */
export type Action = { readonly kind: 'requeue-after'; readonly delayMs: number } | { readonly kind: 'await-change' };

export const requeueAfter = (delayMs: number): Action => ({ kind: 'requeue-after', delayMs });
export const awaitChange: Action = { kind: 'await-change' };
