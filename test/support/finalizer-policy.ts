import type { ModelFleet } from './model-fleet.ts';
import { until } from './until.ts';

const ADMISSION = '/apis/admissionregistration.k8s.io/v1';

/** Makes a namespace whose objects may have no finalizers, by a ValidatingAdmissionPolicy of this name; what it returns lets them have some again. */
export async function refuseFinalizers(
  fleet: ModelFleet,
  namespace: string,
  name: string,
): Promise<() => Promise<unknown>> {
  await fleet.namespace(namespace);
  const rules = [
    { apiGroups: ['wgnode.dev'], apiVersions: ['*'], operations: ['CREATE', 'UPDATE'], resources: ['wireguardnodes'] },
  ];
  const expression = `object.metadata.namespace != '${namespace}' || !has(object.metadata.finalizers)`;
  await fleet.post(`${ADMISSION}/validatingadmissionpolicies`, {
    metadata: { name },
    spec: { matchConstraints: { resourceRules: rules }, validations: [{ expression }] },
  });
  await fleet.post(`${ADMISSION}/validatingadmissionpolicybindings`, {
    metadata: { name },
    spec: { policyName: name, validationActions: ['Deny'] },
  });
  const probe = fleet.node(`${namespace}/probe`, 'https://127.0.0.1:1', { metadata: { finalizers: ['a.example/b'] } });
  const nodes = `/apis/wgnode.dev/v1alpha1/namespaces/${namespace}/wireguardnodes`;
  await until('the policy to be at work', async () =>
    fleet.post(`${nodes}?dryRun=All`, probe).then(
      () => false,
      () => true,
    ),
  );
  return () =>
    fleet.client.request({ method: 'DELETE', path: `${ADMISSION}/validatingadmissionpolicybindings/${name}` });
}
