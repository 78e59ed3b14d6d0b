// Imported first: what comes after it may use what an older Node.js lacks.
const LEAST_NODE = 24;

const [major = ''] = process.versions.node.split('.', 1);
if (Number(major) < LEAST_NODE) {
  process.stderr.write(
    `wgnode-agent: Node.js ${String(LEAST_NODE)} or later is needed, this is ${process.versions.node}; the packages of wgnode bring their own\n`,
  );
  process.exit(1);
}
