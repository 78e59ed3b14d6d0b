/** The arrows of the architecture: what may import what. */

const tests = '\\.test\\.ts$';

/** Folders from the bottom up: each may import those before it, never one after it. */
const AGENT_LAYERS = ['protocol', 'core', 'host', 'backend', 'apply', 'operations', 'http', 'cli'];
const CONTROLLER_LAYERS = ['runtime', 'api', 'policy', 'drivers', 'cluster', 'reconcile', 'cli'];

/**
 * One rule a layer: nothing in it imports a higher one. Files beside the folders, which put everything together, are on top of all.
 * @type {(root: string, layers: readonly string[], leaves: readonly string[]) => object[]}
 */
const upward = (root, layers, leaves) =>
  layers.map((layer, index) => ({
    name: `${root}-${layer}-imports-nothing-above`,
    severity: 'error',
    from: { path: `^${root}/${layer}/`, pathNot: tests },
    to: {
      path: `^${root}/`,
      pathNot: [...layers.slice(0, index + 1).map((lower) => `^${root}/${lower}/`), ...leaves],
    },
  }));

/**
 * The wire format of a kind of agent stays in its folder; two files put the kinds together.
 * @type {(kind: string) => object}
 */
const ownWireFormat = (kind) => ({
  name: `nobody-knows-the-wire-format-of-${kind}`,
  severity: 'error',
  from: {
    path: '^controller/',
    pathNot: [tests, '^controller/drivers/(drivers|chosen-driver)\\.ts$', `^controller/drivers/${kind}/`],
  },
  to: { path: `^controller/drivers/${kind}/` },
});

const pure = '^(controller/policy|agent/core|agent/protocol)/';
export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'pure-folders-have-no-io',
      comment:
        'policy/, core/ and protocol/ take data and give data: no file, process, network, clock or third-party client',
      severity: 'error',
      from: { path: pure, pathNot: tests },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(buffer|crypto|util)$' },
    },
    {
      name: 'policy-imports-domain-types-and-the-protocol',
      severity: 'error',
      from: { path: '^controller/policy/', pathNot: tests },
      to: { path: '^(controller|agent|test|hack)/', pathNot: ['^controller/(policy|api)/', '^agent/protocol/'] },
    },
    // Settings and log are leaves: they import the protocol and no layer.
    ...upward('agent', AGENT_LAYERS, ['^agent/(settings|log)\\.ts$']),
    ...upward('controller', CONTROLLER_LAYERS, ['^controller/(settings|log|metrics)\\.ts$']),
    {
      name: 'metrics-know-no-side-effects',
      severity: 'error',
      from: { path: '^controller/(object-)?metrics\\.ts$' },
      to: {
        path: '^(controller|agent)/',
        pathNot: ['^controller/(runtime|api|policy)/', '^controller/object-metrics\\.ts$', '^agent/protocol/'],
      },
    },
    ...['wgnode', 'wgdashboard'].map(ownWireFormat),
    {
      name: 'controller-knows-the-protocol-only',
      severity: 'error',
      from: { path: '^controller/', pathNot: [tests, '^controller/cli/(main|import)\\.ts$'] },
      to: { path: '^(agent|test|hack)/', pathNot: '^agent/protocol/' },
    },
    {
      name: 'the-plugin-reads-files-as-the-agent-does',
      comment: '`kubectl wgnode import` is `wgnode-agent import` from another machine',
      severity: 'error',
      from: { path: '^controller/cli/(main|import)\\.ts$' },
      to: {
        path: '^(agent|test|hack)/',
        pathNot: '^agent/(protocol/|cli/import-files\\.ts$|(node-version|output-errors)\\.ts$)',
      },
    },
    {
      name: 'agent-never-imports-the-controller',
      severity: 'error',
      from: { path: '^agent/', pathNot: tests },
      to: { path: '^(controller|test|hack)/' },
    },
    {
      name: 'runtime-knows-nothing-of-wireguard',
      severity: 'error',
      from: { path: '^controller/runtime/' },
      to: { path: '^(controller|agent)/', pathNot: '^controller/runtime/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
