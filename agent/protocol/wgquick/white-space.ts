/** What isspace(3) knows in the C locale, in which wg and wg-quick run: a no-break space or a byte order mark is none. */
const RUN = /[ \t\n\v\f\r]+/g;
const ENDS = /^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g;

export const trimSpace = (text: string): string => text.replace(ENDS, '');

/** wg(8) takes all white space out of a line. */
export const withoutSpace = (text: string): string => text.replace(RUN, '');
