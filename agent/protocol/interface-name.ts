const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}$/;
const RESERVED = new Set(['all', 'default', 'interfaces', 'help']);

/**
 * Whether `name` can be managed: stricter than wg-quick(8) and the kernel, because `all` and `help` are words to wg(8),
 * `+` is a wildcard to iptables(8) and a leading `-` an option to everything.
 */
export const isInterfaceName = (name: string): boolean => NAME.test(name) && !RESERVED.has(name);

/** What an interface name must be, for people. */
export const INTERFACE_NAME_RULE =
  'must be 1 to 15 characters of a-z A-Z 0-9 _ . - that start with a letter or digit, and not all, default, interfaces or help';
