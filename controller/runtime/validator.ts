import { Ajv, type ValidateFunction } from 'ajv';

// The schemas are ours, and fixed: judging them by the schema of schemas would take longer than all that they judge at a start.
const ajv = new Ajv({
  allowUnionTypes: true,
  strictRequired: false,
  strictTypes: false,
  meta: false,
  validateSchema: false,
});

/** Tells whether a value is a T. */
export type Validator<T> = (value: unknown) => value is T;

/** Whether a value is as the schema says (JSON Schema, draft 07). Compiled when it is asked for the first time: most are not at a start. */
export function validatorOf<T>(schema: object): Validator<T> {
  let validate: ValidateFunction<T> | undefined;
  return (value): value is T => {
    validate ??= ajv.compile<T>(schema);
    return validate(value);
  };
}
