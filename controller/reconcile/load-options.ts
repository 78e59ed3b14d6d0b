import { keyOf } from '../api/node.ts';
import type { LoadOptions } from '../cluster/load.ts';
import type { Dependencies } from './dependencies.ts';

/** What a load of this process reads from. */
export const loadOptionsOf = ({ secrets, nodes, policy, localStates }: Dependencies): LoadOptions => ({
  secrets,
  nodes,
  policy,
  acceptedBy: (node) => localStates.get(keyOf(node), node.metadata.uid).acceptedBy,
});
