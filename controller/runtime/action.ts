/** What shall happen to a key after its reconcile; a thrown error is a failure and backs off. */
export type Action = { readonly kind: 'requeue-after'; readonly delayMs: number } | { readonly kind: 'await-change' };

/** It succeeded, and comes again by itself. */
export const requeueAfter = (delayMs: number): Action => ({ kind: 'requeue-after', delayMs });
/** It succeeded, and only a watch brings it again. */
export const awaitChange: Action = { kind: 'await-change' };
