import { cleanStaleLabs, removeAllLabs } from './remove-lab.ts';

// The program behind hack/lab-clean.
const lines = process.argv.includes('--all') ? await removeAllLabs() : await cleanStaleLabs();
for (const line of lines) console.log(`removed ${line}`);
if (lines.length === 0) console.log('nothing to remove');
