import { describe, expect, test } from '@jest/globals';
import { expositionOf } from './exposition.ts';

const TEXT = `# HELP a_total Things
# TYPE a_total counter
a_total{k="v"} 3

# HELP b Temperature
# TYPE b gauge
b Nan

# HELP odd A counter by another name
# TYPE odd counter
odd 1

# HELP h_seconds Time
# TYPE h_seconds histogram
h_seconds_bucket{le="+Inf"} 2
h_seconds_sum 1.5
h_seconds_count 2
`;
/** As Prometheus 3 asks. */
const PROMETHEUS =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.2,*/*;q=0.1';

describe('operate 19: a page of metrics', () => {
  test.each([undefined, '', '*/*', 'text/plain; version=0.0.4'])('is text for who asks for %j', (accept) => {
    expect(expositionOf(TEXT, accept)).toEqual({ type: 'text/plain; version=0.0.4; charset=utf-8', body: TEXT });
  });

  test('is OpenMetrics for who asks for that', () => {
    const { type, body } = expositionOf(TEXT, PROMETHEUS);
    expect(type).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(body.split('\n')).toEqual([
      '# HELP a Things',
      '# TYPE a counter',
      'a_total{k="v"} 3',
      '# HELP b Temperature',
      '# TYPE b gauge',
      'b NaN',
      '# HELP odd A counter by another name',
      '# TYPE odd unknown',
      'odd 1',
      '# HELP h_seconds Time',
      '# TYPE h_seconds histogram',
      'h_seconds_bucket{le="+Inf"} 2',
      'h_seconds_sum 1.5',
      'h_seconds_count 2',
      '# EOF',
      '',
    ]);
  });
});
