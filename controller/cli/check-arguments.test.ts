import { expect, test } from '@jest/globals';
import { parseArguments } from './arguments.ts';
import { checkArguments } from './check-arguments.ts';
import { COMMANDS } from './commands.ts';

const check = (line: string): void => {
  const args = parseArguments(line.split(' '));
  const command = COMMANDS[args.command];
  if (command === undefined) throw new Error(`no command ${args.command}`);
  checkArguments(command, args);
};

test.each([
  ['plan a -A', /^plan takes no --all-namespaces; see kubectl wgnode plan --help$/],
  ['get -o x', /^get -o takes wide, json, yaml, name;/],
  ['diff a -o json', /^diff takes no --output/],
  ['status a b', /^status takes the name of one object/],
  ['events a b', /^events takes the name of one object/],
  ['check x', /^check takes no names/],
  ['completion bash', /^completion takes no names/],
  ['get a -A', /^get takes names, or -l, -A and --all, not both/],
  ['up a --all', /^up takes names, or/],
  ['get -w -o json', /^get -w shows a table, and no json/],
])('%s is a wrong use, and says what is taken', (line, message) => {
  expect(() => {
    check(line);
  }).toThrow(message);
});

test.each([
  'get',
  'get a b -o wide -w',
  'status a -n edge',
  'events',
  'reconcile --all -A --wait',
  'import a.conf b.conf',
])('%s is right', (line) => {
  expect(() => {
    check(line);
  }).not.toThrow();
});
