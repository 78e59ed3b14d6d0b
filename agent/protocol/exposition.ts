/** The text format of Prometheus, which everybody takes. */
const TEXT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
/** Asked for by Prometheus since 2.5; the page ends with a word, so that a cut one is seen. */
const OPEN_METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** A page of metrics in the format that was asked for. */
export interface Exposition {
  readonly type: string;
  readonly body: string;
}

/** `text`: in the text format; `accept`: of the request. */
export const expositionOf = (text: string, accept: string | undefined): Exposition =>
  accept !== undefined && /\bapplication\/openmetrics-text\b/.test(accept)
    ? { type: OPEN_METRICS_TYPE, body: openMetrics(text) }
    : { type: TEXT_TYPE, body: text };

/** The same series in OpenMetrics 1.0: a counter family has its name without `_total`, there are no empty lines, and an end. */
function openMetrics(text: string): string {
  const counters = new Set([...text.matchAll(/^# TYPE (\S+)_total counter$/gm)].map(([, family = '']) => family));
  const lines = text.split('\n').flatMap((line): string[] => {
    if (line === '') return [];
    const [, word = '', name = '', rest = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
    if (word === '') return [line.replace(/ Nan$/, ' NaN')];
    const family = name.replace(/_total$/, '');
    if (counters.has(family)) return [`# ${word} ${family} ${rest}`];
    // A counter that is not called one is none to OpenMetrics.
    return [word === 'TYPE' && rest === 'counter' ? `# TYPE ${name} unknown` : line];
  });
  return `${[...lines, '# EOF'].join('\n')}\n`;
}
