/** Every name and address of a lab follows from its number, so that a lab can be removed by whoever knows the number. */
export interface LabNames {
  readonly number: number;
  readonly folder: string;
  readonly bridge: string;
  /** Of the bridge, in the root namespace. */
  readonly bridgeAddress: string;
  readonly network: string;
  /** A loopback address of its own, so that the ports of two labs never meet. */
  readonly loopback: string;
  namespace(host: string): string;
  veth(index: number): string;
  address(index: number): string;
}

/** Where locks and temporary folders live; short, and gone after a reboot like everything else of a lab. */
export const LOCK_FOLDER = '/tmp/wgnode-labs';
/** Variable that every process of a lab carries, with the lab's number as its value. */
export const LAB_VARIABLE = 'WGNODE_LAB';
export const MAX_LABS = 254;
export const MAX_HOSTS = 240;

export function labNames(number: number): LabNames {
  const n = String(number);
  const name = `wgnode-${n}`;
  return {
    number,
    folder: `/tmp/wgnode-lab-${n}`,
    bridge: name,
    bridgeAddress: `10.231.${n}.1`,
    network: `10.231.${n}.0/24`,
    loopback: `127.231.${n}.1`,
    namespace: (host) => `${name}-${host}`,
    veth: (index) => `${name}-${String(index)}`,
    address: (index) => `10.231.${n}.${String(10 + index)}`,
  };
}
