import { setFlagsFromString } from 'node:v8';

// Imported first: a heap that has grown stays large. V8 grows it for speed, by a third of the whole process here, and none of the
// speed is seen: hack/bench controller has the same CPU a check and a create with and without.
setFlagsFromString('--optimize-for-size');
