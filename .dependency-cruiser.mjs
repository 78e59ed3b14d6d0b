/** The arrows of the architecture: what may import what. */
const pure = '^(controller/reconcile|agent/core|agent/protocol)/';
const tests = '\\.test\\.ts$';

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'pure-folders-have-no-io',
      comment:
        'reconcile/, core/ and protocol/ take data and give data: no file, process, network, clock or third-party client',
      severity: 'error',
      from: { path: pure, pathNot: tests },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(buffer|crypto|util)$' },
    },
    {
      name: 'pure-folders-import-pure-things',
      severity: 'error',
      from: { path: '^(controller/reconcile)/', pathNot: tests },
      to: {
        path: '^(controller|agent|test|hack)/',
        pathNot: ['^controller/(reconcile|api)/', '^controller/runtime/backoff', '^agent/protocol/'],
      },
    },
    {
      name: 'agent-core-imports-core-and-protocol',
      severity: 'error',
      from: { path: '^agent/core/', pathNot: tests },
      to: { path: '^(controller|agent|test|hack)/', pathNot: '^agent/(core|protocol)/' },
    },
    {
      name: 'protocol-stands-alone',
      severity: 'error',
      from: { path: '^agent/protocol/', pathNot: tests },
      to: { path: '^(controller|agent|test|hack)/', pathNot: '^agent/protocol/' },
    },
    {
      name: 'controller-knows-the-protocol-only',
      severity: 'error',
      from: { path: '^controller/', pathNot: tests },
      to: { path: '^(agent|test|hack)/', pathNot: '^agent/protocol/' },
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
