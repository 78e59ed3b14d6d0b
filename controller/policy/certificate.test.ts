import { expect, test } from '@jest/globals';
import { endingText } from './certificate.ts';

const DAY_MS = 86_400_000;
const END_MS = Date.parse('2026-12-10T12:00:00Z');

test.each([
  [undefined, 0, ''],
  [END_MS, END_MS - 15 * DAY_MS, ''],
  [
    END_MS,
    END_MS - 13 * DAY_MS,
    '; its certificate ends on 2026-12-10: renew it (wgnode-agent renew, where init made it)',
  ],
  [
    END_MS,
    END_MS - 1 * DAY_MS,
    '; its certificate ends on 2026-12-10: renew it (wgnode-agent renew, where init made it)',
  ],
])('a certificate that ends at %s, looked at at %s: %j', (end, now, text) => {
  expect(endingText(end, now)).toBe(text);
});
