/** What stands in examples in the place of a secret; seven letters or more, which no random text has by chance. */
const PHRASE = /change[-_ .]?me|changethis|replace[-_ .]?(?:me|this|with)|placeholder|example|insert[-_ .]?here/i;
/** Nothing but words that say what should stand there. */
const WORDS =
  /^(?:(?:a|the|my|your|our|this|is|very|super|top|put|here|new|some|random|shared|long|hmac|agent|wgnode|wireguard|node|secret|key|token|value|password|passwd|admin|test|default)s?[\W_0-9]*)+$/i;
/** `xxxx...`, `0000...`, `1234...` */
const REPEATED = /^(.{1,4})\1+.{0,3}$/s;
const BRACKETED = /^<.*>$/s;

/** Whether a text is one that people write where a secret belongs, and that others guess first. */
export const isPlaceholder = (text: string): boolean =>
  [PHRASE, WORDS, REPEATED, BRACKETED].some((pattern) => pattern.test(text.trim()));
