import { redactKeys } from './redact.ts';
import type { InterfaceConfig } from './wgquick/config.ts';
import type { FieldProblem } from './wgquick/field.ts';
import { FIELD_NAMES, type FieldName, fieldOf, pathOf } from './wgquick/fields.ts';

/** One thing that is wrong with a configuration. The value of a private key is never repeated. */
export interface Problem {
  /** `invalid_hook` for hook lines, `invalid_value` for everything else. */
  readonly code: 'invalid_value' | 'invalid_hook';
  readonly field: FieldName;
  /** Path in the resource: `spec.interface.mtu`, `spec.interface.postUp[1]`. */
  readonly path: string;
  readonly message: string;
}

const noValue = (value: string): string =>
  value === '' ? 'the line has no value' : `${JSON.stringify(redactKeys(value).slice(0, 64))} is none`;

/** Everything that is wrong with the values of a configuration; empty = good. Pure: what needs the host is checked elsewhere. */
export const validate = (config: InterfaceConfig): Problem[] =>
  FIELD_NAMES.flatMap((name) => {
    const { check, rule, hook, owner } = fieldOf(name);
    const invalid = config.invalid[name] ?? [];
    // Of a private key it is said by its absence.
    const texts = name === 'privateKey' ? [] : invalid.map((text) => ({ message: `${rule}: ${noValue(text)}` }));
    const problems = [...texts, ...check(config[name], { ...config, invalid })];
    return problems.map(({ message, index }: FieldProblem) => ({
      code: hook && owner !== 'wgnode' && index !== undefined ? ('invalid_hook' as const) : ('invalid_value' as const),
      field: name,
      path: index === undefined ? pathOf(name) : `${pathOf(name)}[${String(index)}]`,
      message,
    }));
  });
