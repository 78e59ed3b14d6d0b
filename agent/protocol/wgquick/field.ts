import type { Cidr } from '../address.ts';
import type { InterfaceKey } from '../interface-key.ts';
import type { FieldAction } from '../steps.ts';

/** A value, and beside it the texts that are none. */
export interface Parsed<V> {
  readonly value: V;
  readonly invalid: readonly string[];
}

/** What the kernel has of an interface, as far as a configuration can ask for it. */
export interface DeviceSettings {
  /** Null = the device has no key. */
  readonly key: InterfaceKey | null;
  readonly listenPort: number;
  /** Null = none. */
  readonly fwMark: number | null;
  readonly addresses: readonly Cidr[];
  /** Bytes. */
  readonly mtu: number;
  /** Administratively up. */
  readonly linkUp: boolean;
}

/** What a rule looks at beside the value itself. */
export interface RelatedValues {
  readonly addresses: readonly Cidr[];
  readonly fwMark: number | null;
  readonly listenPort: number | null;
  /** As in a configuration. */
  readonly table: string | null;
  /** Texts of the same field that are no value. */
  readonly invalid: readonly string[];
}

/** What a running interface has of a field, and the step of a plan that changes it there. */
export type Running<V> =
  | {
      /** The kernel shows it. */
      readonly shownBy: 'kernel';
      readonly of: (device: DeviceSettings) => V;
      /** Whether the kernel is as desired. `ours`: values that we may have put there, and take back where they are no longer desired. */
      readonly holds: (desired: V, device: DeviceSettings, ours: readonly V[]) => boolean;
      readonly step: FieldAction;
    }
  /** The kernel does not show it: the text that the interface was brought up with says what it has. */
  | { readonly shownBy: 'copy'; readonly step: FieldAction }
  /** It has no effect before the next start or teardown. */
  | { readonly shownBy: 'file' };

/** What is wrong with a value; `index` is that of a list's item. */
export interface FieldProblem {
  readonly message: string;
  readonly index?: number;
}

/**
 * One key of the [Interface] section: everything that the parser, the renderer, the HTTP messages, the plan, the comparison and the
 * controller know of it. `V` is its value in a configuration, `Wire` its form in the agent's messages, `Name` its name there, `Joined` the form of old clients, and
 * `Resource` the form of the WireGuardNode property of the same name.
 */
export interface Field<V = unknown, Wire = unknown, Resource = unknown, Name extends string = string, Joined = string> {
  /** As wg-quick(8) and wg(8) spell it; files may use any letter case. */
  readonly key: string;
  /** Which program understands the key: wg(8) fails on those of wg-quick; those of wgnode are comments to both. */
  readonly owner: 'wg' | 'wg-quick' | 'wgnode';
  /** Hook values reach to the end of the line; in others `#` starts a comment. */
  readonly hook: boolean;
  /** What a value must be, for people: `must be …`. */
  readonly rule: string;
  /** The value of a file without the key. */
  readonly absent: V;
  /** The value of all lines with this key, in file order. */
  readonly parse: (texts: readonly string[]) => Parsed<V>;
  /** One string for each line to write. */
  readonly write: (value: V) => readonly string[];
  readonly equal: (left: V, right: V) => boolean;
  /** For people: in drift, plans and messages. Never a private key. */
  readonly text: (value: V) => string;
  /** What is wrong with a value that could be parsed; empty = good. */
  readonly check: (value: V, related: RelatedValues) => readonly FieldProblem[];
  /** Fields whose change makes the value be judged anew. */
  readonly judgedWith?: readonly string[];
  readonly wire: {
    /** Its name in the agent's messages. */
    readonly name: Name;
    /** A PUT without it removes the field, as the old agent does, or keeps it: what the panel never sends or the old agent does not know. */
    readonly leftOut: 'removed' | 'kept';
    /** JSON schema of what a PUT may send: limits before any work. */
    readonly putSchema: object;
    /** JSON schema of what the controller takes from an agent. */
    readonly specSchema: object;
    readonly to: (value: V) => Wire;
    /** Of a PUT, and of `spec` in an answer. Old clients join lists into one text. */
    readonly from: (sent: Wire | Joined | null) => Parsed<V>;
  };
  /** The value of the resource's property; undefined = not set. */
  readonly fromResource: (value: Resource | undefined) => Parsed<V>;
  /** The property of a value that `check` takes and that is not absent; left out = as it is in a configuration. */
  readonly toResource?: ((value: V) => Resource) | undefined;
  readonly running: Running<V>;
}
